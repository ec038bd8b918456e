// Draws the charts and sorts the tables of a report.
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const charts = JSON.parse(document.getElementById("charts").textContent);
const KM = 111.32; // of a degree of latitude
const LEAST = 0.5; // km that the map shows of each direction, at least

// Makes a degree of longitude as wide as it is at the latitude of the stations, and adds a scale.
function drawMap(chart, option) {
  const points = option.series[0].data.map((point) => point.value);
  if (!points.length) return;
  const { left, right, top, bottom } = option.grid;
  const width = chart.getWidth() - left - right, height = chart.getHeight() - top - bottom;
  const [west, east] = extent(points.map((value) => value[0]));
  const [south, north] = extent(points.map((value) => value[1]));
  const x = (west + east) / 2, y = (south + north) / 2;
  const shrunk = Math.max(Math.cos((y * Math.PI) / 180), 0.01);
  const wide = Math.max((east - west) * KM * shrunk, LEAST), high = Math.max((north - south) * KM, LEAST);
  const scale = 1.2 * Math.max(wide / width, high / height); // km a pixel
  const axis = (middle, half) => ({ min: middle - half, max: middle + half, axisLabel: { formatter: degrees, hideOverlap: true, showMinLabel: false, showMaxLabel: false } });
  const unit = 10 ** Math.floor(Math.log10(100 * scale));
  const bar = [5, 2, 1].map((times) => times * unit).find((km) => km <= 100 * scale);
  const stroke = dark ? "#ccc" : "#333";
  chart.setOption({
    xAxis: axis(x, (width * scale) / 2 / KM / shrunk),
    yAxis: axis(y, (height * scale) / 2 / KM),
    graphic: [
      { id: "bar", type: "line", left: left + 12, bottom: bottom + 12, shape: { x2: bar / scale }, style: { stroke, lineWidth: 3 } },
      { id: "scale", type: "text", left: left + 12, bottom: bottom + 18, style: { text: bar < 1 ? `${bar * 1000} m` : `${bar} km`, fill: stroke } },
    ],
  });
}

const extent = (values) => [Math.min(...values), Math.max(...values)];
const degrees = (value) => `${Number(value.toFixed(4))}°`;

for (const [id, option] of Object.entries(charts)) {
  const chart = echarts.init(document.getElementById(id), dark ? "dark" : null, { renderer: "svg" });
  if (id === "stations") {
    const [series] = option.series;
    const most = Math.max(1, ...series.data.map((point) => point.value[2]));
    series.symbolSize = (value) => 10 + 30 * Math.sqrt(value[2] / most);
    option.tooltip.formatter = ({ data }) =>
      echarts.format.encodeHTML(data.name) + `: ${data.value[2]} events, ${data.value[3]} taxa`;
  }
  chart.setOption({ backgroundColor: "transparent", animation: false, ...option });
  const fit = () => { chart.resize(); if (id === "stations") drawMap(chart, option); };
  fit();
  addEventListener("resize", fit);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    head.firstChild.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const text = (row) => row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => text(a).localeCompare(text(b), undefined, { numeric: true }) * (up ? 1 : -1));
      table.tBodies[0].append(...rows);
      if (table.id === "taxa") {
        const sheet = (row) => document.getElementById(row.querySelector("a").hash.slice(1));
        document.getElementById("sheets").append(...rows.map(sheet));
      }
    });
  }
}

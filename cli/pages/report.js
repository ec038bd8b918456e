// Draws the charts and sorts the tables of a report.
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const { taxa, stations, days } = JSON.parse(document.getElementById("charts").textContent);
const tooltip = { trigger: "axis" };
const events = { type: "value", name: "events", minInterval: 1 };
const bars = [...taxa].reverse(); // ECharts draws the first one lowest
const charts = {
  counts: {
    tooltip,
    grid: { left: 8, right: 24, top: 8, bottom: 36, containLabel: true },
    xAxis: { ...events, nameLocation: "middle", nameGap: 26 },
    yAxis: { type: "category", data: bars.map((taxon) => taxon.name) },
    series: [{ type: "bar", name: "events", data: bars.map((taxon) => taxon.events) }],
  },
  hours: {
    tooltip,
    legend: { type: "scroll", bottom: 0 },
    grid: { left: 48, right: 24, top: 32, bottom: 64 },
    xAxis: { type: "category", data: Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0")) },
    yAxis: events,
    series: taxa.map((taxon) => ({ type: "bar", stack: "all", name: taxon.name, data: taxon.hours })),
  },
  stations: {
    tooltip: { trigger: "item" },
    grid: { left: 72, right: 24, top: 32, bottom: 48 },
    xAxis: { type: "value", name: "longitude", nameLocation: "middle", nameGap: 24 },
    yAxis: { type: "value", name: "latitude" },
    series: [{ type: "scatter", data: stations }],
  },
  accumulation: {
    tooltip,
    grid: { left: 48, right: 24, top: 32, bottom: 32 },
    xAxis: { type: "time" },
    yAxis: { type: "value", name: "taxa", minInterval: 1 },
    series: [{ type: "line", step: "end", name: "taxa", data: days }],
  },
};
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

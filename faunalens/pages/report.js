// Draws the charts and sorts the tables of a report.
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const { taxa, is_sun: isSun, stations, precision, effort } = read("charts");
const tooltip = { trigger: "axis" };
const events = { type: "value", name: "events", minInterval: 1 };
const GREY = dark ? "#888" : "#999";
const STROKE = dark ? "#ccc" : "#333";

const MOST_COLOURS = 8; // that are told apart in a stack
const named = taxa.filter((taxon) => !taxon.is_wide);
const rest = named.slice(MOST_COLOURS);
const stacked = [
  ...named.slice(0, MOST_COLOURS),
  ...(rest.length ? [{ name: "other taxa", hours: rest[0].hours.map((_, hour) => sum(rest.map((taxon) => taxon.hours[hour]))) }] : []),
  ...taxa.filter((taxon) => taxon.is_wide),
];
const bars = [...taxa].reverse(); // ECharts draws the first one lowest
const SUN = { 0: "midnight", 6: "sunrise", 12: "noon", 18: "sunset" };
const night = {
  silent: true,
  itemStyle: { color: dark ? "#ffffff14" : "#0000000d" },
  data: [[{ xAxis: 0 }, { xAxis: 6 }], [{ xAxis: 18 }, { xAxis: 24 }]],
};
const charts = {
  counts: {
    tooltip,
    grid: { left: 8, right: 24, top: 8, bottom: 36, containLabel: true },
    xAxis: { ...events, nameLocation: "middle", nameGap: 26 },
    yAxis: { type: "category", data: bars.map((taxon) => taxon.name), axisLabel: { width: 220, overflow: "truncate" } },
    series: [{ type: "bar", name: "events", data: bars.map((taxon) => ({ value: taxon.events, itemStyle: taxon.is_wide ? { color: GREY } : {} })) }],
  },
  hours: {
    tooltip: { ...tooltip, axisPointer: { type: "shadow" }, formatter: tellHour },
    legend: { type: "scroll", bottom: 0 },
    grid: { left: 48, right: 24, top: 32, bottom: 64 },
    xAxis: { type: "value", min: 0, max: 24, containShape: false, interval: isSun ? 6 : 3, axisLabel: { formatter: (hour) => (isSun && SUN[hour % 24]) || String(hour) } },
    yAxis: events,
    series: stacked.map((taxon, number) => ({
      type: "bar",
      stack: "all",
      name: taxon.name,
      data: taxon.hours.map((count, hour) => [hour + 0.5, count]),
      ...(taxon.is_wide ? { itemStyle: { color: GREY } } : {}),
      ...(isSun && number === 0 ? { markArea: night } : {}),
    })),
  },
  region: mapOf({ type: "scatter", data: stations, symbolSize: 12 }),
  stations: mapOf({
    type: "scatter",
    data: stations,
    label: { show: true, position: "top", distance: 3, formatter: ({ name }) => short(name), color: STROKE, textBorderColor: dark ? "#000" : "#fff", textBorderWidth: 2 },
    labelLayout: { hideOverlap: true },
  }),
  effort: {
    tooltip,
    grid: { left: 48, right: 24, top: 32, bottom: 48 },
    xAxis: { type: "value", name: "trap days", nameLocation: "middle", nameGap: 28, max: Math.max(1, effort.at(-1)[0]) },
    yAxis: { type: "value", name: "taxa", minInterval: 1 },
    series: [{ type: "line", step: "end", name: "taxa", data: effort, symbolSize: 6 }],
  },
};

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

function tellHour(points) {
  const hour = Math.floor(points[0].value[0]);
  const shown = points.filter((point) => point.value[1]);
  const lines = shown.map((point) => `${point.marker}${echarts.format.encodeHTML(point.seriesName)}: ${point.value[1]}`);
  return [`${hour} to ${hour + 1}${isSun ? ", of the sun" : ""}`, ...lines].join("<br>");
}

function short(name) {
  const names = name.split(", ");
  return names.length > 2 ? `${names[0]} + ${names.length - 1}` : name;
}

function mapOf(points) {
  const line = { type: "lines", coordinateSystem: "cartesian2d", polyline: true, silent: true, clip: true, data: [] };
  return {
    tooltip: { trigger: "item", formatter: ({ data }) => `${echarts.format.encodeHTML(data.name)}: ${data.value[2]} events, ${data.value[3]} taxa` },
    grid: { left: 56, right: 8, top: 8, bottom: 32 },
    xAxis: { type: "value", axisLine: { onZero: false } },
    yAxis: { type: "value", axisLine: { onZero: false, show: true } },
    series: [
      { ...line, id: "coasts", lineStyle: { color: STROKE, width: 1, opacity: 0.8 } },
      { ...line, id: "borders", lineStyle: { color: STROKE, width: 1, type: "dashed", opacity: 0.6 } },
      { ...points, id: "points" },
    ],
  };
}

// `decode` is that of polyline.js, which stands before this in the page.
const coasts = read("coasts");
function lineOf(text) {
  const steps = decode(text), points = [];
  for (let i = 0, x = 0, y = 0; i < steps.length; i += 2) {
    [x, y] = [x + steps[i], y + steps[i + 1]];
    points.push([x / coasts.units_per_degree, y / coasts.units_per_degree]);
  }
  return points;
}
const LINES = { coasts: coasts.coasts.map(lineOf), borders: coasts.borders.map(lineOf) };

// The lines that pass through a rectangle.
function within(lines, [west, east], [south, north]) {
  const meets = (values, least, most) => Math.min(...values) <= most && Math.max(...values) >= least;
  const seen = lines.filter((line) => meets(line.map((at) => at[0]), west, east) && meets(line.map((at) => at[1]), south, north));
  return seen.map((coords) => ({ coords }));
}

const KM = 111.32; // of a degree of latitude
const NARROWEST = 300; // km: on a narrower map, coasts and borders would lie visibly elsewhere
const LEAST = { stations: Math.max(1, 20 * KM * precision), region: 1600 }; // km that a map shows of each direction

// Makes a degree of longitude as wide as it is at the latitude of the stations, and adds coasts, borders and a scale.
function drawMap(chart, id, option) {
  const points = stations.map((point) => point.value);
  if (!points.length) return;
  const { left, right, top, bottom } = option.grid;
  const width = chart.getWidth() - left - right, height = chart.getHeight() - top - bottom;
  const [west, east] = extent(points.map((value) => value[0]));
  const [south, north] = extent(points.map((value) => value[1]));
  const x = (west + east) / 2, y = (south + north) / 2;
  const shrunk = Math.max(Math.cos((y * Math.PI) / 180), 0.01);
  const wide = Math.max((east - west) * KM * shrunk, LEAST[id]), high = Math.max((north - south) * KM, LEAST[id]);
  const scale = 1.3 * Math.max(wide / width, high / height); // km a pixel
  const across = [x - (width * scale) / 2 / KM / shrunk, x + (width * scale) / 2 / KM / shrunk];
  const along = [y - (height * scale) / 2 / KM, y + (height * scale) / 2 / KM];
  const axis = ([min, max]) => ({ min, max, axisLabel: { formatter: degrees, hideOverlap: true, showMinLabel: false, showMaxLabel: false }, splitLine: { lineStyle: { opacity: 0.4 } } });
  const isShown = width * scale >= NARROWEST;
  const unit = 10 ** Math.floor(Math.log10(100 * scale));
  const bar = [5, 2, 1].map((times) => times * unit).find((km) => km <= 100 * scale);
  chart.setOption({
    xAxis: axis(across),
    yAxis: axis(along),
    series: ["coasts", "borders"].map((kind) => ({ id: kind, data: isShown ? within(LINES[kind], across, along) : [] })),
    graphic: [
      { id: "bar", type: "line", left: left + 12, bottom: bottom + 12, shape: { x2: bar / scale }, style: { stroke: STROKE, lineWidth: 3 } },
      { id: "scale", type: "text", left: left + 12, bottom: bottom + 18, style: { text: bar < 1 ? `${bar * 1000} m` : `${bar} km`, fill: STROKE } },
    ],
  });
}

const extent = (values) => [Math.min(...values), Math.max(...values)];
const degrees = (value) => `${Number(value.toFixed(4))}°`;

if (!stations.length) document.querySelector(".maps").replaceChildren("No deployment has a place.");

for (const [id, option] of Object.entries(charts)) {
  const element = document.getElementById(id);
  if (!element) continue;
  if (id === "counts") element.style.height = `${Math.max(8, 4 + 1.6 * bars.length)}rem`;
  const chart = echarts.init(element, dark ? "dark" : null, { renderer: "svg" });
  if (id === "stations") {
    const most = Math.max(1, ...stations.map((point) => point.value[2]));
    option.series.at(-1).symbolSize = (value) => 8 + 16 * Math.sqrt(value[2] / most);
  }
  chart.setOption({ backgroundColor: "transparent", animation: false, ...option });
  const fit = () => {
    chart.resize();
    if (id in LEAST) drawMap(chart, id, option);
    if (id === "hours") chart.setOption({ series: stacked.map(() => ({ barWidth: ((chart.getWidth() - 72) / 24) * 0.9 })) });
  };
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

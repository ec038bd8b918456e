// Draws the charts and sorts the tables of a report.
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
const charts = JSON.parse(document.getElementById("charts").textContent);

for (const [id, option] of Object.entries(charts)) {
  if (id === "stations") {
    const [series] = option.series;
    const most = Math.max(1, ...series.data.map((point) => point.value[2]));
    series.symbolSize = (value) => 10 + 30 * Math.sqrt(value[2] / most);
    option.tooltip.formatter = ({ data }) =>
      echarts.format.encodeHTML(data.name) + `: ${data.value[2]} events, ${data.value[3]} taxa`;
  }
  const chart = echarts.init(document.getElementById(id), dark ? "dark" : null, { renderer: "svg" });
  chart.setOption({ backgroundColor: "transparent", animation: false, ...option });
  addEventListener("resize", () => chart.resize());
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  for (const [column, head] of heads.entries()) {
    head.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const text = (row) => row.cells[column].textContent;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => text(a).localeCompare(text(b), undefined, { numeric: true }) * (up ? 1 : -1));
      table.tBodies[0].append(...rows);
    });
  }
}

// Draw curves as tables: for the table widget, and as the accessible alternative to each chart.

import { element } from "./dom.js";
import { last, moment, number } from "./format.js";

const sum = (values) => values.reduce((one, other) => one + other, 0);
const SUMMARIES = {
  MIN: ["least", (values) => Math.min(...values)],
  MAX: ["most", (values) => Math.max(...values)],
  SUM: ["sum", sum],
  AVG: ["average", (values) => sum(values) / values.length],
};

export function summaryTable(widget) {
  const summaries = widget.summaries.map((name) => SUMMARIES[name]);
  const rows = widget.curves.map(({ label, values, unit }) => {
    const present = values.filter((value) => value !== null);
    const figures = summaries.map(([, of]) => (present.length ? of(present) : null));
    return [label, ...[...figures, last(values)].map((value) => number(value, unit))];
  });
  return table(widget.title, ["Curve", ...summaries.map(([name]) => name), "last"], rows);
}

export function pointTable(widget) {
  const rows = widget.times.map((time, at) => [
    moment(time),
    ...widget.curves.map(({ values, unit }) => number(values[at], unit)),
  ]);
  const present = rows.filter((_, at) => widget.curves.some(({ values }) => values[at] !== null));
  return table(widget.title, ["Time (UTC)", ...widget.curves.map(({ label }) => label)], present.reverse());
}

function table(title, head, rows) {
  const cells = ([first, ...figures]) => [
    element("th", { scope: "row", text: first }),
    ...figures.map((text) => element("td", { class: "figure", text })),
  ];
  const columns = head.map((text, at) => element("th", { scope: "col", class: at && "figure", text }));
  const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells(row))));
  const made = element("table", { "aria-label": title }, element("thead", {}, element("tr", {}, ...columns)), body);
  return element("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": `${title}, table` }, made);
}

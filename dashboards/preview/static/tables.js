// Draw curves as tables: for the table widget, and as the accessible alternative to each chart.

import { element } from "./dom.js";
import { NOTHING, clock, day, number } from "./format.js";
import { last } from "./legend.js";

const SUMMARIES = {
  MIN: ["least", (values) => Math.min(...values)],
  MAX: ["most", (values) => Math.max(...values)],
  SUM: ["sum", (values) => values.reduce((sum, value) => sum + value, 0)],
  AVG: ["average", (values) => values.reduce((sum, value) => sum + value, 0) / values.length],
};

const heading = (text, scope = "col") => element("th", { scope, text });
const figure = (value, unit) => element("td", { class: "figure", text: number(value, unit) });

export function summaryTable(widget) {
  const summaries = widget.summaries.map((name) => SUMMARIES[name]);
  const head = ["Curve", ...summaries.map(([name]) => name), "last"].map((text) => heading(text));
  const rows = widget.curves.map((curve) => {
    const present = curve.values.filter((value) => value !== null);
    const figures = summaries.map(([, of]) => figure(present.length ? of(present) : null, curve.unit));
    return element("tr", {}, heading(curve.label, "row"), ...figures, figure(last(curve.values), curve.unit));
  });
  return scrolled(widget.title, head, rows);
}

export function pointTable(widget) {
  const head = [heading("Time (UTC)"), ...widget.curves.map((curve) => heading(curve.label))];
  const rows = widget.times
    .map((time, at) => ({ time, at }))
    .filter(({ at }) => widget.curves.some((curve) => curve.values[at] !== null))
    .reverse()
    .map(({ time, at }) =>
      element(
        "tr",
        {},
        heading(`${day(time)} ${clock(time)}`, "row"),
        ...widget.curves.map((curve) => figure(curve.values[at], curve.unit)),
      ),
    );
  return scrolled(widget.title, head, rows.length ? rows : [element("tr", {}, element("td", { text: NOTHING }))]);
}

function scrolled(title, head, rows) {
  const table = element(
    "table",
    { "aria-label": title },
    element("thead", {}, element("tr", {}, ...head)),
    element("tbody", {}, ...rows),
  );
  return element("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": `${title}, table` }, table);
}

// Draw widgets with one number per curve: numbers with sparklines, gauges and bars.

import { curveColor } from "./chart.js";
import { drawing, element, swatch } from "./dom.js";
import { last, number } from "./format.js";

export const numbers = (widget) =>
  element(
    "dl",
    { class: "numbers" },
    ...widget.curves.map((curve, index) =>
      element(
        "div",
        { class: "number" },
        element("dd", { text: number(last(curve.values), curve.unit) }),
        element("dt", {}, swatch(curveColor(curve, index)), element("span", { text: curve.label })),
        widget.sparkline && sparkline(curve.values, curveColor(curve, index)),
      ),
    ),
  );

function sparkline(values, color) {
  const present = values.filter((value) => value !== null);
  const largest = Math.max(...present, 0);
  const least = Math.min(...present, 0);
  const height = (value) => 34 - ((value - least) / (largest - least || 1)) * 32;
  const point = (value, at) =>
    `${at && values[at - 1] !== null ? "L" : "M"}${(at / Math.max(values.length - 1, 1)) * 200} ${height(value)}`;
  const line = {
    d: values.map((value, at) => (value === null ? "" : point(value, at))).join(""),
    fill: "none",
    stroke: color,
  };
  const picture = drawing("svg", {
    class: "sparkline",
    viewBox: "0 0 200 36",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  picture.append(drawing("path", { ...line, "stroke-width": 1.5, "vector-effect": "non-scaling-stroke" }));
  return picture;
}

const RING = "M12 62 A42 42 0 1 1 88 62"; // a bit more than half a circle

export function gauges(widget) {
  const { min, max, unit } = widget.axes.left;
  const share = (value) => Math.min(Math.max((value - min) / (max - min), 0), 1) * 100;
  const arc = (from, to, stroke, attributes) =>
    drawing("path", {
      d: RING,
      pathLength: 100,
      fill: "none",
      stroke,
      "stroke-width": 8,
      "stroke-dasharray": `0 ${from} ${to - from} 100`,
      ...attributes,
    });
  const faint = { "stroke-opacity": 0.35 };
  const limits = widget.thresholds.map(({ value, fill, color }) =>
    fill === "below" ? arc(0, share(value), color, faint) : fill && arc(share(value), 100, color, faint),
  );
  return element(
    "div",
    { class: "gauges" },
    ...widget.curves.map((curve, index) => {
      const value = last(curve.values);
      const picture = drawing("svg", { viewBox: "4 -6 92 72", "aria-hidden": "true" });
      const own = arc(0, value === null ? 0 : share(value), curveColor(curve, index), { "stroke-width": 6 });
      picture.append(arc(0, 100, "var(--wash)"), ...limits.filter(Boolean).map((each) => each.cloneNode()), own);
      const text = element("b", { text: number(value, curve.unit ?? unit) });
      return element("div", {}, picture, text, element("span", { class: "quiet", text: curve.label }));
    }),
  );
}

export function bars(widget) {
  const values = widget.curves.map((curve) => last(curve.values));
  const most = Math.max(...values, 0) || 1;
  const rows = widget.curves.map((curve, index) => {
    const bar = element("span", {
      style: { width: `${(values[index] / most) * 85}%`, "background-color": curveColor(curve, index) },
    });
    const text = number(values[index], curve.unit ?? widget.axes.left.unit);
    return element("li", {}, element("span", { text: curve.label }), element("span", { class: "length" }, bar, text));
  });
  return element("ul", { class: "bars" }, ...rows);
}

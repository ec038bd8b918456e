// Draw the legend: each curve with its last value. A click hides the curve or shows it again.

import { swatch } from "./chart.js";
import { element } from "./dom.js";
import { number } from "./format.js";
import { curveColor } from "./colors.js";

export const last = (values) => values.findLast((value) => value !== null) ?? null;

export function legend(widget, chart) {
  const entries = widget.curves.map((curve, index) => {
    const press = () => button.setAttribute("aria-pressed", chart.toggle(curve.label));
    const shown = !chart.hidden.has(curve.label);
    const button = element(
      "button",
      { type: "button", "aria-pressed": String(shown), title: "Show or hide this curve", onclick: press },
      swatch(curveColor(curve, index)),
      element("span", { text: curve.label }),
      element("b", { text: number(last(curve.values), curve.unit) }),
    );
    return element("li", {}, button);
  });
  return element("ul", { class: "legend" }, ...entries);
}

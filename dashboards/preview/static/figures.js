// Draw widgets with one number per curve: numbers with sparklines, gauges and bars.

import { swatch } from "./chart.js";
import { drawing, element } from "./dom.js";
import { number } from "./format.js";
import { last } from "./legend.js";
import { curveColor, pageColors } from "./colors.js";

const WIDE = 200;
const HIGH = 36;

export function numbers(widget) {
  const entries = widget.curves.map((curve, index) =>
    element(
      "div",
      { class: "number" },
      element("dd", { text: number(last(curve.values), curve.unit) }),
      element("dt", {}, swatch(curveColor(curve, index)), element("span", { text: curve.label })),
      widget.sparkline ? sparkline(curve.values, curveColor(curve, index)) : null,
    ),
  );
  return element("dl", { class: "numbers" }, ...entries);
}

function sparkline(values, color) {
  const present = values.filter((value) => value !== null);
  const largest = Math.max(...present, 0);
  const least = Math.min(...present, 0);
  const height = (value) => HIGH - 2 - ((value - least) / (largest - least || 1)) * (HIGH - 4);
  let path = "";
  let pen = "M";
  values.forEach((value, at) => {
    if (value === null) pen = "M";
    else {
      path += `${pen}${((at / Math.max(values.length - 1, 1)) * WIDE).toFixed(1)} ${height(value).toFixed(1)}`;
      pen = "L";
    }
  });
  const line = drawing("path", {
    d: path,
    fill: "none",
    stroke: color,
    "stroke-width": 1.5,
    "vector-effect": "non-scaling-stroke",
  });
  return drawing(
    "svg",
    { class: "sparkline", viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    line,
  );
}

class StaticChart {
  constructor(place) {
    this.canvas = element("div", { class: "canvas" });
    place.replaceChildren(this.canvas);
    this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
    this.sizes = new ResizeObserver(() => {
      this.chart.resize();
      if (this.widget) this.draw(this.widget);
    });
    this.sizes.observe(this.canvas);
  }

  draw(widget) {
    this.widget = widget;
    this.chart.setOption(this.options(widget, pageColors()), { notMerge: true });
  }

  end() {
    this.sizes.disconnect();
    this.chart.dispose();
  }
}

export class Gauges extends StaticChart {
  options(widget, colors) {
    const { min = 0, max = 100, unit } = widget.axes.left;
    const wide = this.canvas.clientWidth;
    const share = 1 / widget.curves.length;
    const radius = Math.min(wide * share * 0.44, this.canvas.clientHeight * 0.58);
    const marks = widget.thresholds.map((line) => Math.min(Math.max((line.value - min) / (max - min || 1), 0), 1));
    return {
      animation: false,
      series: widget.curves.map((curve, index) => {
        const color = curveColor(curve, index);
        const value = last(curve.values);
        return {
          type: "gauge",
          min: min ?? 0,
          max: max ?? 100,
          startAngle: 200,
          endAngle: -20,
          center: [`${(index + 0.5) * share * 100}%`, "58%"],
          radius,
          progress: { show: value !== null, width: radius * 0.11, itemStyle: { color } },
          axisLine: { lineStyle: { width: radius * 0.16, color: ranges(widget.thresholds, marks, colors) } },
          axisTick: { show: false },
          splitLine: { show: false },
          pointer: { show: false },
          axisLabel: { show: false },
          title: {
            offsetCenter: [0, "48%"],
            color: colors.quiet,
            fontSize: 12,
            fontFamily: colors.font,
            width: wide * share - 12,
            overflow: "truncate",
          },
          detail: {
            offsetCenter: [0, "2%"],
            color: colors.ink,
            fontFamily: colors.font,
            fontSize: Math.max(14, radius * 0.3),
            fontWeight: 600,
            formatter: () => number(value, curve.unit ?? unit),
          },
          data: [{ value: value ?? 0, name: curve.label }],
        };
      }),
    };
  }
}

// Return the colors of the ring: a threshold colors the part above or below it, as its `fill` says.
function ranges(thresholds, marks, colors) {
  const order = thresholds.map((line, at) => ({ line, mark: marks[at] })).sort((one, other) => one.mark - other.mark);
  const ring = [];
  let color = colors.line;
  for (const { line, mark } of order) {
    ring.push([mark, line.fill === "below" ? faint(line.color, colors) : color]);
    color = line.fill === "below" ? colors.line : faint(line.color, colors);
  }
  return [...ring, [1, color]];
}

const faint = (color, colors) => (color ? echarts.color.modifyAlpha(color, 0.35) : colors.line);

export class Bars extends StaticChart {
  options(widget, colors) {
    const { unit, min, max } = widget.axes.left;
    const text = { color: colors.quiet, fontSize: 11, fontFamily: colors.font };
    return {
      animation: false,
      textStyle: { fontFamily: colors.font },
      grid: { left: 8, right: 56, top: 4, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      yAxis: {
        type: "category",
        inverse: true,
        data: widget.curves.map((curve) => curve.label),
        axisLabel: {
          ...text,
          color: colors.ink,
          width: Math.max(this.canvas.clientWidth * 0.4, 80),
          overflow: "truncate",
          interval: 0,
        },
        axisTick: { show: false },
        axisLine: { lineStyle: { color: colors.line } },
      },
      xAxis: {
        type: "value",
        min: min ?? 0,
        max: max ?? undefined,
        splitNumber: 4,
        axisLabel: { ...text, hideOverlap: true, formatter: (value) => number(value, unit) },
        splitLine: { lineStyle: { color: colors.line } },
      },
      series: {
        type: "bar",
        barMaxWidth: 26,
        silent: true,
        data: widget.curves.map((curve, index) => ({
          value: last(curve.values),
          itemStyle: { color: curveColor(curve, index) },
        })),
        label: {
          show: true,
          position: "right",
          ...text,
          color: colors.ink,
          formatter: ({ dataIndex }) =>
            number(last(widget.curves[dataIndex].values), widget.curves[dataIndex].unit ?? unit),
        },
      },
    };
  }
}

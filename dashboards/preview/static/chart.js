// Draw a chart over time with Apache ECharts: lines or stacked areas, with thresholds.

import { element, swatch } from "./dom.js";
import { clock, day, moment, number } from "./format.js";

// CloudWatch's ten colors, in its order.
const PALETTE = "#1f77b4 #ff7f0e #2ca02c #d62728 #9467bd #8c564b #e377c2 #7f7f7f #bcbd22 #17becf".split(" ");

export const curveColor = (curve, index) => curve.color ?? PALETTE[index % PALETTE.length];

export class TimeChart {
  constructor(place) {
    this.canvas = element("div", { class: "canvas" });
    place.replaceChildren(this.canvas);
    this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
    this.sizes = new ResizeObserver(() => this.chart.resize());
    this.sizes.observe(this.canvas);
  }

  draw(widget) {
    this.chart.setOption(options(widget), { notMerge: true });
  }

  end() {
    this.sizes.disconnect();
    this.chart.dispose();
  }
}

// The colors of the light or dark scheme; a canvas does not know CSS's own names of them.
function pageColors() {
  const { color, fontFamily } = getComputedStyle(document.body);
  const { color: quiet, borderBottomColor: line } = getComputedStyle(document.querySelector("body > header"));
  return { ink: color, quiet, line, font: fontFamily };
}

function options(widget) {
  const colors = pageColors();
  const curves = widget.curves.map((curve, index) => ({ ...curve, color: curveColor(curve, index) }));
  const sides = curves.some((curve) => curve.axis === "right") ? ["left", "right"] : ["left"];
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: colors.font, color: colors.quiet },
    grid: {
      left: 8,
      right: sides.length > 1 ? 8 : 14,
      top: sides.some((side) => widget.axes[side].label) ? 26 : 12,
      bottom: 4,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    tooltip: {
      trigger: "axis",
      appendTo: document.body,
      confine: true,
      className: "tooltip",
      transitionDuration: 0,
      formatter: (points) => tooltip(points[0].axisValue, widget, curves),
    },
    xAxis: {
      type: "time",
      min: widget.start,
      max: widget.end,
      splitNumber: 6,
      minInterval: 60000,
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      axisLabel: {
        color: colors.quiet,
        fontSize: 11,
        hideOverlap: true,
        formatter: (time) => (time % 86400000 === 0 ? day(time) : clock(time)),
      },
      axisPointer: { label: { show: false }, lineStyle: { color: colors.quiet, type: "dashed" } },
    },
    yAxis: sides.map((side) => valueAxis(side, widget, curves, colors)),
    series: [
      ...curves.map((curve) => seriesOf(curve, widget, curves)),
      ...sides.map((side, index) => thresholdsOf(side, index, widget, colors)),
    ],
  };
}

function seriesOf(curve, widget, curves) {
  const { stacked } = widget;
  const some = (at) => curves.some((each) => each.values[at] !== null);
  const height = (at) => (stacked && curve.values[at] === null && some(at) ? 0 : (curve.values[at] ?? null));
  const apart = Math.max(1, Math.round(curve.period / widget.period)); // a curve with longer periods has gaps between its points
  const isLone = (at) => height(at) !== null && height(at - apart) === null && height(at + apart) === null;
  // A point without neighbours is a dot, or a line of the length of its period if the line is long enough to see.
  const length = curve.period * 1000;
  const isLong = length > (widget.end - widget.start) / 40;
  const hasDots = !stacked && !isLong && widget.times.some((_, at) => isLone(at));
  const data = widget.times.flatMap((time, at) => {
    const ends = isLong && isLone(at) ? [time, Math.min(time + length, widget.end)] : [time];
    return ends.map((each) => [placed(each, widget), height(at)]);
  });
  return {
    type: "line",
    name: curve.label,
    yAxisIndex: curve.axis === "right" ? 1 : 0,
    data,
    stack: stacked ? `stack ${curve.axis}` : undefined,
    areaStyle: stacked ? { opacity: 0.8 } : undefined,
    itemStyle: { color: curve.color },
    lineStyle: { width: stacked ? 0.5 : widget.times.length > 400 ? 1.1 : 1.7 },
    showSymbol: hasDots,
    showAllSymbol: hasDots,
    symbol: "circle",
    symbolSize: (_, { dataIndex }) => (isLone(dataIndex) ? 4 : 0),
    connectNulls: apart > 1,
    emphasis: { disabled: true },
    silent: true,
  };
}

// A period that began before the axis is drawn at its start. Otherwise, a chart of one hour would show no daily value.
const placed = (time, { start }) => Math.max(time, start);

function thresholdsOf(side, index, widget, colors) {
  const lines = widget.thresholds.filter((line) => line.axis === side);
  return {
    type: "line",
    yAxisIndex: index,
    data: lines.map((line) => [widget.start, line.value * 1.15]), // so that the axis includes them and their names
    lineStyle: { width: 0 },
    showSymbol: false,
    silent: true,
    markLine: {
      symbol: "none",
      silent: true,
      animation: false,
      data: lines.map((line) => ({
        yAxis: line.value,
        lineStyle: { color: line.color ?? colors.quiet, type: "dashed", width: 1.2 },
        label: { position: "insideStartTop", formatter: line.label, color: colors.ink, fontSize: 11 },
      })),
    },
  };
}

// An axis starts at zero unless the file sets a minimum or a value is negative. A share of nearly all ends at 100 %.
function valueAxis(side, widget, curves, colors) {
  const { label, min, max, unit } = widget.axes[side];
  const values = curves.filter((curve) => curve.axis === side).flatMap((curve) => curve.values);
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const end = max ?? (unit === "Percent" && most > 80 && most <= 100 ? 100 : null);
  return {
    type: "value",
    position: side,
    min: min ?? ((found) => Math.min(found.min, 0)),
    max: end,
    interval: end === null ? undefined : (end - (min ?? 0)) / 4,
    splitNumber: 4,
    alignTicks: side === "right",
    minInterval: values.every(Number.isInteger) ? 1 : 0,
    name: label,
    nameGap: 10,
    nameTextStyle: { color: colors.quiet, fontSize: 11, align: side },
    axisLine: { show: false },
    splitLine: { show: side === "left", lineStyle: { color: colors.line } },
    axisLabel: { color: colors.quiet, fontSize: 11, formatter: (value) => number(value, unit) },
  };
}

function tooltip(axisValue, widget, curves) {
  const at = widget.times.findIndex((time) => placed(time, widget) === axisValue);
  const cell = (text, name) => element(name ? "th" : "td", { class: name ? "" : "figure", text });
  const rows = curves.map(({ color, label, values, unit }) =>
    element("tr", {}, element("td", {}, swatch(color)), cell(label, true), cell(number(values[at], unit), false)),
  );
  const time = element("p", { text: `${moment(widget.times[at])} UTC` });
  return element("div", {}, time, element("table", {}, element("tbody", {}, ...rows)));
}

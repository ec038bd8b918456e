// Draw a chart over time with Apache ECharts: lines or stacked areas, with thresholds.

import { element } from "./dom.js";
import { clock, day, number } from "./format.js";
import { curveColor, pageColors } from "./colors.js";

const STEPS = 4;
const ROUND = [1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 10];
const charts = new Set(); // all charts of the page, for the shared crosshair

export class TimeChart {
  constructor(place) {
    this.place = place;
    this.crosshair = element("div", { class: "crosshair", hidden: true });
    this.canvas = element("div", { class: "canvas" });
    place.replaceChildren(this.canvas, this.crosshair);
    this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
    this.hidden = new Set();
    this.chart.on("updateAxisPointer", ({ axesInfo }) => showCrosshairs(this, axesInfo[0]?.value));
    this.chart.on("globalout", () => showCrosshairs(this, undefined));
    this.sizes = new ResizeObserver(() => this.chart.resize());
    this.sizes.observe(this.canvas);
    charts.add(this);
  }

  draw(widget) {
    this.widget = widget;
    this.chart.setOption(options(widget, this.hidden), { notMerge: true, lazyUpdate: false });
  }

  toggle(label) {
    if (!this.hidden.delete(label)) this.hidden.add(label);
    this.draw(this.widget);
    return !this.hidden.has(label);
  }

  end() {
    charts.delete(this);
    this.sizes.disconnect();
    this.chart.dispose();
  }
}

// Mark the time under the pointer on all other charts.
function showCrosshairs(source, time) {
  for (const other of charts) {
    const within = other !== source && time >= other.widget?.start && time <= other.widget?.end;
    other.crosshair.hidden = !within;
    if (within) other.crosshair.style.left = `${other.chart.convertToPixel({ xAxisIndex: 0 }, time)}px`;
  }
}

function options(widget, hidden) {
  const colors = pageColors();
  const curves = widget.curves.map((curve, index) => ({ ...curve, color: curveColor(curve, index) }));
  const visible = curves.filter((curve) => !hidden.has(curve.label));
  const right = curves.some((curve) => curve.axis === "right");
  const sides = right ? ["left", "right"] : ["left"];
  const series = visible.flatMap((curve) => seriesOf(curve, widget, visible));
  series.push(...sides.map((side, index) => thresholdsOf(side, index, widget, colors)));
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: colors.font, color: colors.quiet },
    grid: {
      left: 8,
      right: right ? 8 : 14,
      top: sides.some((side) => named(widget, side)) ? 26 : 12,
      bottom: 4,
      outerBoundsMode: "same",
      outerBoundsContain: "axisLabel",
    },
    tooltip: {
      trigger: "axis",
      appendTo: document.body,
      className: "tooltip",
      transitionDuration: 0,
      backgroundColor: colors.card,
      borderColor: colors.line,
      textStyle: { color: colors.ink, fontFamily: colors.font, fontSize: 12 },
      formatter: (points) => tooltip(points, widget, visible),
    },
    xAxis: timeAxis(widget, colors),
    yAxis: sides.map((side) => valueAxis(side, widget, visible, colors)),
    series,
  };
}

function seriesOf(curve, widget, curves) {
  const stacked = widget.stacked;
  const some = (at) => curves.some((each) => each.values[at] !== null);
  const height = (at) => (stacked && curve.values[at] === null && some(at) ? 0 : (curve.values[at] ?? null));
  const points = widget.times.map((time, at) => [placed(time, widget), height(at)]);
  const apart = Math.max(1, Math.round(curve.period / widget.period)); // a curve with longer periods has gaps between its points
  const isLone = (at) => height(at) !== null && height(at - apart) === null && height(at + apart) === null;
  // A point without neighbours is a dot, or a line of the length of its period if the line is long enough to see.
  const isLong = curve.period * 1000 > (widget.end - widget.start) / 40;
  const lone = points.filter((_, at) => isLone(at));
  const bars = lone.flatMap(([time, value]) => [[time, value], [Math.min(time + curve.period * 1000, widget.end), value], [time, null]]);
  const common = {
    name: curve.label,
    yAxisIndex: curve.axis === "right" ? 1 : 0,
    itemStyle: { color: curve.color },
    emphasis: { disabled: true },
    silent: true,
  };
  const dense = points.length > 400;
  const line = {
    ...common,
    type: "line",
    data: points,
    stack: stacked ? `stack ${curve.axis}` : undefined,
    areaStyle: stacked ? { opacity: 0.8 } : undefined,
    lineStyle: { width: stacked ? 0.5 : dense ? 1.1 : 1.7, color: curve.color },
    showSymbol: false,
    connectNulls: apart > 1,
  };
  if (!lone.length || stacked) return [line];
  return isLong ? [line, { ...line, data: bars }] : [line, { ...common, type: "scatter", data: lone, symbolSize: 4 }];
}

// A period that began before the axis is drawn at its start. Otherwise, a chart of one hour would show no daily value.
const placed = (time, { start }) => Math.max(time, start);

function thresholdsOf(side, index, widget, colors) {
  const lines = widget.thresholds.filter((line) => line.axis === side && line.value !== undefined);
  const area = (from, to, color) => [{ yAxis: from, itemStyle: { color, opacity: 0.12 } }, { yAxis: to }];
  const areas = [
    ...lines
      .filter((line) => line.fill === "above")
      .map((line) => area(line.value, "max", line.color ?? colors.quiet)),
    ...lines
      .filter((line) => line.fill === "below")
      .map((line) => area("min", line.value, line.color ?? colors.quiet)),
  ];
  const label = (text) => ({
    formatter: text,
    color: colors.ink,
    fontSize: 11,
    textBorderColor: colors.card,
    textBorderWidth: 3,
  });
  return {
    type: "line",
    name: `thresholds ${side}`,
    yAxisIndex: index,
    data: [],
    silent: true,
    tooltip: { show: false },
    markLine: {
      symbol: "none",
      silent: true,
      animation: false,
      data: lines.map((line) => ({
        yAxis: line.value,
        lineStyle: { color: line.color ?? colors.quiet, type: "dashed", width: 1.2 },
        label: { position: "insideStartTop", ...label(line.label) },
      })),
    },
    markArea: { silent: true, animation: false, data: areas },
  };
}

function timeAxis(widget, colors) {
  return {
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
  };
}

// An axis starts at zero unless the file sets a minimum or a value is negative. Both axes include the thresholds, and
// have four steps, so that their grid lines align.
function valueAxis(side, widget, curves, colors) {
  const axis = widget.axes[side];
  const values = heights(
    curves.filter((curve) => curve.axis === side),
    widget,
  );
  values.push(...widget.thresholds.filter((line) => line.axis === side).map((line) => line.value));
  const least = values.reduce((one, other) => Math.min(one, other), 0);
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const whole = values.every(Number.isInteger);
  const min = axis.min ?? (least < 0 ? -STEPS * step(-least, whole) : 0);
  const share = axis.unit === "Percent" && most <= 100 && most > 80;
  const max =
    axis.max ?? (share ? 100 : most > min ? Math.max(min, 0) + STEPS * step(most - Math.max(min, 0), whole) : min + 1);
  return {
    type: "value",
    position: side,
    min,
    max,
    interval: (max - min) / STEPS,
    name: named(widget, side),
    nameLocation: "end",
    nameGap: 10,
    nameTextStyle: { color: colors.quiet, fontSize: 11, align: side },
    axisLine: { show: false },
    splitLine: { show: side === "left", lineStyle: { color: colors.line, width: 1 } },
    axisLabel: { color: colors.quiet, fontSize: 11, formatter: (value) => number(value, axis.unit) },
  };
}

function heights(curves, widget) {
  const there = (curve) => curve.values.filter((value) => value !== null);
  if (!widget.stacked) return curves.flatMap(there);
  return widget.times.map((_, at) => curves.reduce((sum, curve) => sum + (curve.values[at] ?? 0), 0));
}

// Return a round step. Four steps exceed the largest value by at least 4 %.
function step(largest, whole) {
  const least = (largest * 1.04) / STEPS;
  const power = 10 ** Math.floor(Math.log10(least));
  const round = ROUND.map((each) => each * power).find((each) => each >= least * (1 - 1e-9));
  return whole ? Math.ceil(round) : round;
}

const named = (widget, side) => widget.axes[side].label;

function tooltip(points, widget, curves) {
  const at = widget.times.findIndex((time) => placed(time, widget) === points[0].axisValue);
  const time = widget.times[at];
  const rows = curves.map((curve) =>
    element(
      "tr",
      {},
      element("td", {}, swatch(curve.color)),
      element("th", { scope: "row", text: curve.label }),
      element("td", { class: "figure", text: number(curve.values[at] ?? null, curve.unit) }),
    ),
  );
  return element(
    "div",
    {},
    element("p", { text: `${day(time)}, ${clock(time)} UTC` }),
    element("table", {}, element("tbody", {}, ...rows)),
  );
}

export function swatch(color) {
  const mark = element("span", { class: "swatch" });
  mark.style.backgroundColor = color;
  return mark;
}

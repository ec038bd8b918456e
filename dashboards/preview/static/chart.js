// A chart over time: lines or stacked areas, with thresholds, on Apache ECharts.

import { element } from "./dom.js";
import { clock, day, number } from "./format.js";
import { colour, look } from "./look.js";

const shown = new Set(); // charts on the page, for the shared crosshair

export class TimeChart {
  constructor(place) {
    this.place = place;
    this.crosshair = element("div", { class: "crosshair", hidden: true });
    this.canvas = element("div", { class: "canvas" });
    place.replaceChildren(this.canvas, this.crosshair);
    this.chart = echarts.init(this.canvas, null, { renderer: "canvas" });
    this.hidden = new Set();
    this.chart.on("updateAxisPointer", ({ axesInfo }) => point(this, axesInfo[0]?.value));
    this.chart.on("globalout", () => point(this, undefined));
    this.sizes = new ResizeObserver(() => this.chart.resize());
    this.sizes.observe(this.canvas);
    shown.add(this);
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
    shown.delete(this);
    this.sizes.disconnect();
    this.chart.dispose();
  }
}

// The moment under the mouse, on every chart: what else happened just then?
function point(source, moment) {
  for (const other of shown) {
    const within = other !== source && moment >= other.widget?.start && moment <= other.widget?.end;
    other.crosshair.hidden = !within;
    if (within) other.crosshair.style.left = `${other.chart.convertToPixel({ xAxisIndex: 0 }, moment)}px`;
  }
}

function options(widget, hidden) {
  const colours = look();
  const curves = widget.curves.map((curve, index) => ({ ...curve, color: colour(curve, index) }));
  const visible = curves.filter((curve) => !hidden.has(curve.label));
  const right = curves.some((curve) => curve.axis === "right");
  const sides = right ? ["left", "right"] : ["left"];
  const series = visible.map((curve) => lineOf(curve, widget, visible));
  series.push(...sides.map((side, index) => thresholdsOf(side, index, widget, colours)));
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: colours.font, color: colours.quiet },
    grid: { left: 8, right: right ? 8 : 14, top: sides.some((side) => named(widget, side)) ? 26 : 12, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    tooltip: {
      trigger: "axis",
      appendTo: document.body,
      className: "tooltip",
      transitionDuration: 0,
      backgroundColor: colours.card,
      borderColor: colours.line,
      textStyle: { color: colours.ink, fontFamily: colours.font, fontSize: 12 },
      formatter: (points) => told(points, widget, visible),
    },
    xAxis: timeAxis(widget, colours),
    yAxis: sides.map((side) => valueAxis(side, widget, visible, colours)),
    series,
  };
}

function lineOf(curve, widget, curves) {
  const some = widget.times.map((_, at) => curves.some((each) => each.values[at] !== null));
  const filled = (at) => (widget.stacked && some[at] ? (curve.values[at] ?? 0) : curve.values[at]);
  const lone = (at) => filled(at - 1) == null && filled(at + 1) == null;
  const points = widget.times.map((time, at) => ({ value: [time, filled(at)], symbolSize: lone(at) ? 4 : 0 }));
  return {
    name: curve.label,
    type: "line",
    data: points,
    yAxisIndex: curve.axis === "right" ? 1 : 0,
    stack: widget.stacked ? `stack ${curve.axis}` : undefined,
    areaStyle: widget.stacked ? { opacity: 0.55 } : undefined,
    lineStyle: { width: widget.stacked ? 1 : 1.6, color: curve.color },
    itemStyle: { color: curve.color },
    symbol: "circle",
    showSymbol: true,
    showAllSymbol: true,
    emphasis: { disabled: true },
    silent: true,
  };
}

function thresholdsOf(side, index, widget, colours) {
  const lines = widget.thresholds.filter((line) => line.axis === side && line.value !== undefined);
  const moments = side === "left" ? widget.moments : [];
  const bands = lines.filter((line) => line.upTo !== null);
  const area = (from, to, color) => [{ yAxis: from, itemStyle: { color, opacity: 0.12 } }, { yAxis: to }];
  const areas = [
    ...bands.map((band) => area(band.value, band.upTo, band.color ?? colours.quiet)),
    ...lines.filter((line) => line.fill === "above").map((line) => area(line.value, "max", line.color ?? colours.quiet)),
    ...lines.filter((line) => line.fill === "below").map((line) => area("min", line.value, line.color ?? colours.quiet)),
  ];
  const label = (text) => ({ formatter: text, color: colours.ink, fontSize: 11, textBorderColor: colours.card, textBorderWidth: 3 });
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
      data: [
        ...lines.map((line) => ({
          yAxis: line.value,
          lineStyle: { color: line.color ?? colours.quiet, type: "dashed", width: 1.2 },
          label: { position: "insideStartTop", ...label(line.label) },
        })),
        ...moments.map((moment) => ({
          xAxis: moment.at,
          lineStyle: { color: moment.color ?? colours.quiet, type: "solid", width: 1 },
          label: { position: "insideEndTop", ...label(moment.label) },
        })),
      ],
    },
    markArea: { silent: true, animation: false, data: areas },
  };
}

function timeAxis(widget, colours) {
  return {
    type: "time",
    min: widget.start,
    max: widget.end,
    splitNumber: 6,
    minInterval: 60000,
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      color: colours.quiet,
      fontSize: 11,
      hideOverlap: true,
      formatter: (time) => (time % 86400000 === 0 ? day(time) : clock(time)),
    },
    axisPointer: { label: { show: false }, lineStyle: { color: colours.quiet, type: "dashed" } },
  };
}

function valueAxis(side, widget, curves, colours) {
  const own = curves.filter((curve) => curve.axis === side);
  const axis = widget.axes[side];
  const lines = widget.thresholds.filter((line) => line.axis === side).map((line) => line.value);
  return {
    type: "value",
    position: side,
    // Zero-based, unless the file says otherwise or values are below; thresholds are always in sight.
    min: axis.min ?? ((extent) => Math.min(0, extent.min, ...lines)),
    max: axis.max ?? ((extent) => top(Math.max(0, extent.max, ...lines), own.length || lines.length)),
    splitNumber: 4,
    name: named(widget, side),
    nameLocation: "end",
    nameGap: 10,
    nameTextStyle: { color: colours.quiet, fontSize: 11, align: side },
    axisLine: { show: false },
    splitLine: { show: side === "left", lineStyle: { color: colours.line, width: 1 } },
    axisLabel: {
      color: colours.quiet,
      fontSize: 11,
      showMaxLabel: true,
      formatter: (value) => number(value, axis.unit),
    },
  };
}

const named = (widget, side) => (widget.axes[side].shown ? widget.axes[side].label : "");

// The next round number that leaves a little room, so that the largest label is one of the axis.
function top(largest, any) {
  if (!any || !(largest > 0)) return 1;
  const room = largest * 1.06;
  const power = 10 ** Math.floor(Math.log10(room));
  return [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= room);
}

function told(points, widget, curves) {
  const time = points[0].axisValue;
  const at = widget.times.indexOf(time);
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


"""Compute the content of widgets as JSON. The browser only draws the result.

The `state` of a widget is `ok`, `empty` (no data in the time range), `aws_only` (only AWS emits its metrics, and the
recording has none) or `error` (the widget cannot be shown). `message` is the reason for a state other than `ok`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from chalicelib.telemetry.metrics import METRICS, NAMESPACE
from dashboards.evaluate import Curve, evaluate
from dashboards.graphed_metrics import PERIOD, GraphedMetric, expand
from dashboards.lint.known_metrics import aws_metrics
from dashboards.preview.alarms import Timeline, alarm_json
from dashboards.preview.recording import Span
from dashboards.project import alarm_of
from dashboards.series import Grid, MetricStore

type Json = dict[str, Any]

AWS_ONLY = "Only AWS emits these metrics, so a local recording does not contain them."
EMPTY = "No data in this time range."
_KINDS = {"timeSeries": "chart", "singleValue": "number", "gauge": "gauge", "bar": "bar", "table": "table"}
_CONSOLE = re.compile(r"https://[^)\s]*#dashboards:name=[a-z]+-[a-z0-9]+-([a-z]+)[\w-]*")
_ISO = re.compile(r"-P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")


class Scope(NamedTuple):
    """The stage, time range and data that a dashboard shows. `oldest`: time of the first sample, seconds since 1970."""

    stage: str
    span: Span
    store: MetricStore
    timelines: Mapping[str, Timeline]
    oldest: float


def widgets_of(body: Mapping[str, Any], scope: Scope) -> list[Json]:
    """Return the widgets of a dashboard, from top to bottom and from left to right."""
    return [_widget(each, scope) for each in sorted(body["widgets"], key=lambda each: (each["y"], each["x"]))]


def seconds_of(duration: str) -> float:
    """Parse a relative time range of a dashboard, such as `-PT3H`. Raises ValueError."""
    match = _ISO.fullmatch(duration)
    if not match or not any(match.groups()):
        raise ValueError(f"time range '{duration}' is invalid; expected one such as -PT3H or -P7D")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60


def _widget(widget: Mapping[str, Any], scope: Scope) -> Json:
    properties = widget.get("properties", {})
    common: Json = {place: widget[place] for place in ("x", "y", "width", "height")}
    common |= {"title": properties.get("title", ""), "state": "ok", "message": ""}
    match widget["type"]:
        case "text":
            text = _CONSOLE.sub(r"\1", properties["markdown"])
            return common | {"kind": "text", "markdown": text, "plain": properties.get("background") == "transparent"}
        case "alarm":
            return common | _alarms(properties, scope)
        case "log":
            return common | {"kind": "logs", "query": properties["query"]}
        case "metric":
            return common | _metrics(properties, scope)
    return common | _failed("text", f"The preview does not support widgets of type {widget['type']}.")


def _failed(kind: str, message: str) -> Json:
    return {"kind": kind, "state": "error", "message": message}


def _alarms(properties: Mapping[str, Any], scope: Scope) -> Json:
    names = [alarm_of(arn, scope.stage) for arn in properties["alarms"]]
    if missing := ", ".join(name for name in names if name not in scope.timelines):
        what = f"There is no alarm {missing}; add a file to dashboards/alarms or dashboards/composites."
        return _failed("alarms", what)
    timelines = sorted((scope.timelines[name] for name in names), key=lambda each: each.state == "OK")
    shown = [alarm_json(each) for each in timelines]
    return {"kind": "alarms", "alarms": shown, "start": scope.span.start * 1e3, "end": scope.span.end * 1e3}


# Metrics


def _metrics(properties: Mapping[str, Any], scope: Scope) -> Json:
    name = properties.get("view", "timeSeries")
    if (kind := _KINDS.get(name)) is None:
        return _failed("chart", f"The preview does not support view {name}; use one of {', '.join(_KINDS)}.")
    try:
        return {"kind": kind} | _curves(properties, kind, scope)
    except ValueError as error:
        return _failed(kind, str(error))


def _curves(properties: Mapping[str, Any], kind: str, scope: Scope) -> Json:
    lines = expand(properties)
    span = _own_span(properties, kind, scope)
    whole = bool(properties.get("setPeriodToTimeRange")) and kind != "chart"
    period, anchor = min((line.period for line in lines), default=PERIOD), 0
    if whole:
        anchor = int(span.start)
        period = math.ceil(span.end - anchor)  # rounded up, so that the last second counts
        lines = [replace(line, period=period) for line in lines]
    drawn = evaluate(lines, scope.store, span.start, span.end, period, anchor=anchor)
    curves = [curve for curve in drawn if curve.line.visible]
    grid = Grid.covering(span.start, span.end, period, anchor)
    if properties.get("liveData") is False:
        ends = {curve.period: grid.begins + curve.period for curve in curves}
        curves = [each._replace(values=np.where(ends[each.period] <= span.end, each.values, np.nan)) for each in curves]
    if not any(np.isfinite(curve.values).any() for curve in curves):
        aws_only = all(line.metric.namespace.startswith("AWS/") for line in lines if line.metric)
        return {"state": "aws_only", "message": AWS_ONLY} if aws_only else {"state": "empty", "message": EMPTY}
    axes = {side: _axis(properties, side) for side in ("left", "right")}
    title_unit = unit_of_title(properties.get("title", ""))
    shown = [_curve_json(curve, axes, title_unit) for curve in curves]
    for side, axis in axes.items():
        found = {curve["unit"] for curve in shown if curve["axis"] == side}
        axis["unit"] = found.pop() if len(found) == 1 else None
    table = properties.get("table", {})
    return {
        "start": span.start * 1e3,
        "end": span.end * 1e3,
        "times": [begin * 1000 for begin in grid.begins.tolist()],
        "period": period,
        "curves": shown,
        "axes": axes,
        "stacked": properties.get("stacked", False),
        "sparkline": properties.get("sparkline", False) and not whole,
        "thresholds": list(_thresholds(properties)),
        "summaries": table.get("summaryColumns", ["MIN", "MAX", "SUM", "AVG"]),
        "series": table.get("showTimeSeriesData", True),
    }


def _own_span(properties: Mapping[str, Any], kind: str, scope: Scope) -> Span:
    """Return the time range of a widget. The own range of a graph or table is cut at the start of the recording."""
    if "start" not in properties:
        return scope.span
    start = scope.span.end - seconds_of(properties["start"])
    if kind in {"chart", "table"}:
        start = max(start, min(scope.oldest, scope.span.end - 3600))
    return Span(start, scope.span.end)


def _curve_json(curve: Curve, axes: Mapping[str, Json], title_unit: str | None) -> Json:
    line, side = curve.line, curve.line.y_axis
    unit = unit_of_line(line, axes[side]["label"])
    if unit is None and line.metric is None and not axes[side]["label"]:
        unit = unit_of_label(curve.label) or title_unit
    values = [_rounded(value) for value in curve.values.tolist()]
    found = {"id": line.id, "label": curve.label, "color": line.color, "axis": side, "unit": unit}
    return {**found, "period": curve.period, "values": values}


def _rounded(value: float) -> float | None:
    """Round to six significant digits. Return None for a missing point."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _axis(properties: Mapping[str, Any], side: str) -> Json:
    axis = properties.get("yAxis", {}).get(side, {})
    label = axis.get("label", "")
    return {"label": label, "min": axis.get("min"), "max": axis.get("max"), "shown": label.strip() not in _UNITS}


def _thresholds(properties: Mapping[str, Any]) -> Iterator[Json]:
    """Yield the horizontal annotations, except bands between two values."""
    for line in properties.get("annotations", {}).get("horizontal", []):
        if isinstance(line, dict):
            drawn = {"label": line.get("label", ""), "color": line.get("color"), "fill": line.get("fill")}
            yield {"value": line["value"], **drawn, "axis": line.get("yAxis", "left")}


# Units of curves: that of the metric or, for an expression, a unit in a label or in the title

_UNITS: Mapping[str, str] = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "µs": "Microseconds",
    "%": "Percent",
    "bytes": "Bytes",
    "US$": "USD",
}
"""CloudWatch's names of units, by their spelling in labels and titles."""


def unit_of_label(label: str) -> str | None:
    """Return the unit at the start of a label, such as `% of identifications` or `US$, all in`."""
    words = label.split()
    return _UNITS.get(words[0].removesuffix(",")) if words else None


def unit_of_title(title: str) -> str | None:
    """Return the unit at the end or start of a title, such as `Served, %` or `US$ an hour`."""
    return _UNITS.get(title.rpartition(", ")[2].strip()) or unit_of_label(title)


def unit_of_line(line: GraphedMetric, label: str) -> str | None:
    """Return the unit of a line: a CloudWatch unit or USD. `label` is the label of the line's axis."""
    metric = line.metric
    if metric is None:
        return unit_of_label(label)
    if line.stat == "SampleCount":
        return "Count"
    if line.stat.startswith("PR"):
        return "Percent"
    known = METRICS if metric.namespace == NAMESPACE else aws_metrics().get(metric.namespace, {})
    return known[metric.name].unit if metric.name in known else None

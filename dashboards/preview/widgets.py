"""Compute the content of widgets and of alarms as JSON. The browser only draws the result.

The `state` of a widget is `ok`, `empty` (no data in the time range), `aws_only` (only AWS emits its metrics, and the
recording has none) or `error` (the widget cannot be shown). `message` is the reason for a state other than `ok`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dashboards.alarms import MetricAlarm, State, Timeline
from dashboards.evaluate import Curve, evaluate
from dashboards.graphed_metrics import PERIOD, expand
from dashboards.lint.known_metrics import known_metrics
from dashboards.preview.recording import Span
from dashboards.project import SERVICE, STAGE_VARIABLE, alarm_of
from dashboards.series import Grid, MetricStore

type Json = dict[str, Any]

AWS_ONLY = "Only AWS emits these metrics, so a local recording does not contain them."
EMPTY = "No data in this time range."
_KINDS = {"timeSeries": "chart", "singleValue": "number", "gauge": "gauge", "bar": "bar", "table": "table"}
_CONSOLE = re.compile(r"https://[^)\s]*#dashboards:name=[a-z]+-[a-z0-9]+-([a-z]+)[\w-]*")
_START = re.compile(r"-P(?:(\d+)D|T(\d+)H)")
_URGENCY: tuple[State, ...] = ("ALARM", "INSUFFICIENT_DATA", "OK")
_RUNBOOK = re.compile(r"\s*What to do: (\S+)\s*$")
_NAME = re.compile(rf'"?{SERVICE}-[a-z0-9]+-([a-z0-9-]+)"?')


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


def _widget(widget: Mapping[str, Any], scope: Scope) -> Json:
    properties, kind = widget["properties"], widget["type"]
    common: Json = {place: widget[place] for place in ("x", "y", "width", "height")}
    common |= {"title": properties.get("title", ""), "state": "ok", "message": ""}
    match kind:
        case "text":
            text = _CONSOLE.sub(r"\1", properties["markdown"])
            return common | {"kind": "text", "markdown": text, "plain": properties.get("background") == "transparent"}
        case "log":
            return common | {"kind": "logs", "query": properties["query"]}
        case "alarm":
            named = (scope.timelines.get(alarm_of(arn, scope.stage)) for arn in properties["alarms"])
            shown = [alarm_json(each) for each in sorted(filter(None, named), key=lambda each: each.state == "OK")]
            times = {"start": scope.span.start * 1e3, "end": scope.span.end * 1e3}
            return common | {"kind": "alarms", "alarms": shown, **times}
    kind = _KINDS.get(str(properties.get("view")), "")
    try:
        if not kind:
            raise ValueError(f"The preview shows no {widget['type']} with view {properties.get('view')}.")
        return common | {"kind": kind} | _curves(properties, kind, scope)
    except ValueError as error:
        return common | {"kind": kind or "chart", "state": "error", "message": str(error)}


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
    begins = Grid.covering(span.start, span.end, period, anchor).begins
    if properties.get("liveData") is False:  # without the period that has not ended
        curves = [
            each._replace(values=np.where(begins + each.period <= span.end, each.values, np.nan)) for each in curves
        ]
    if not any(np.isfinite(curve.values).any() for curve in curves):
        aws_only = all(line.metric.namespace.startswith("AWS/") for line in lines if line.metric)
        return {"state": "aws_only", "message": AWS_ONLY} if aws_only else {"state": "empty", "message": EMPTY}
    axes = {side: properties.get("yAxis", {}).get(side, {}) for side in ("left", "right")}
    shown = [_curve_json(curve, axes[curve.line.y_axis].get("label", ""), properties["title"]) for curve in curves]
    table = properties.get("table", {})
    return {
        "start": span.start * 1e3,
        "end": span.end * 1e3,
        "times": (begins * 1000).tolist(),
        "period": period,
        "curves": shown,
        "axes": {
            side: _axis_json(axis, {each["unit"] for each in shown if each["axis"] == side})
            for side, axis in axes.items()
        },
        "stacked": properties.get("stacked", False),
        "sparkline": properties.get("sparkline", False) and not whole,
        "thresholds": [
            {
                "value": line["value"],
                "label": line.get("label", ""),
                "color": line.get("color"),
                "fill": line.get("fill"),
                "axis": line.get("yAxis", "left"),
            }
            for line in properties.get("annotations", {}).get("horizontal", [])
            if isinstance(line, dict)  # and no band between two values
        ],
        "summaries": table.get("summaryColumns", ["MIN", "MAX", "SUM", "AVG"]),
    }


def _own_span(properties: Mapping[str, Any], kind: str, scope: Scope) -> Span:
    """Return the time range of a widget. The own range of a graph or table is cut at the start of the recording."""
    if "start" not in properties:
        return scope.span
    if not (match := _START.fullmatch(properties["start"])):
        raise ValueError(f"The preview shows no time range {properties['start']}; write one such as -PT3H or -P7D.")
    start = scope.span.end - int(match[1] or 0) * 86400 - int(match[2] or 0) * 3600
    if kind in {"chart", "table"}:
        start = max(start, min(scope.oldest, scope.span.end - 3600))
    return Span(start, scope.span.end)


def _curve_json(curve: Curve, axis_label: str, title: str) -> Json:
    line = curve.line
    # six significant digits; None for a missing point
    values = [float(f"{value:.6g}") if math.isfinite(value) else None for value in curve.values.tolist()]
    found = {"id": line.id, "label": curve.label, "color": line.color, "axis": line.y_axis}
    return {**found, "unit": unit_of(curve, axis_label, title), "period": curve.period, "values": values}


def _axis_json(axis: Mapping[str, Any], units: set[str | None]) -> Json:
    label, unit = axis.get("label", ""), units.pop() if len(units) == 1 else None
    return {"label": "" if label in _UNITS else label, "min": axis.get("min"), "max": axis.get("max"), "unit": unit}


_UNITS: Mapping[str, str] = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "µs": "Microseconds",
    "%": "Percent",
    "bytes": "Bytes",
    "US$": "USD",
}
"""CloudWatch's names of units, by their spelling in labels and titles."""


def unit_of(curve: Curve, axis_label: str, title: str) -> str | None:
    """Return the unit of a curve: that of its metric or, for an expression, one that a text states.

    The label of the axis or, without one, that of the curve may begin with a unit, such as `% of identifications`; the
    title may begin or end with one, such as `Served, %` or `US$ an hour`.
    """
    line = curve.line
    if metric := line.metric:
        if line.stat == "SampleCount" or line.stat.startswith("PR"):
            return "Count" if line.stat == "SampleCount" else "Percent"
        known = known_metrics().get(metric.namespace, {}).get(metric.name)
        return known.unit if known else None
    texts = [axis_label] if axis_label else [curve.label, title.rpartition(", ")[2], title]
    words = (text.split()[0].removesuffix(",") for text in texts if text.strip())
    return next((_UNITS[word] for word in words if word in _UNITS), None)


# Alarms


def alarm_json(timeline: Timeline) -> dict[str, Any]:
    """Return an alarm as JSON for the page. Times are in milliseconds since 1970."""
    description = timeline.alarm.get("AlarmDescription", "")
    runbook = _RUNBOOK.search(description)
    stretches = [
        {"from": begin * 1e3, "to": end * 1e3, "state": state, "reason": _shorten(reason)}
        for begin, end, state, reason in timeline.stretches
    ]
    return {
        "name": timeline.name,
        "state": timeline.state,
        "since": stretches[-1]["from"] if len(stretches) > 1 else None,
        "meaning": _RUNBOOK.sub("", description).removesuffix("."),
        "rule": describe_rule(timeline.alarm),
        "reason": stretches[-1]["reason"] if stretches else "",
        "runbook": runbook[1] if runbook else None,
        "periods": stretches,
    }


def urgency(timeline: Timeline) -> tuple[int, int]:
    """Return a sort key: by state, ALARM first and OK last, then by minutes in ALARM, the most first."""
    return _URGENCY.index(timeline.state), -timeline.states.count("ALARM")


def count_states(timelines: Mapping[str, Timeline], names: Sequence[str]) -> dict[State, int]:
    """Return how many of the named alarms are in each state. Ignore names without a timeline."""
    found = [timelines[name].state for name in names if name in timelines]
    return {state: found.count(state) for state in _URGENCY}


def describe_rule(alarm: Mapping[str, Any]) -> str:
    """Return the condition of an alarm as one line: metric, threshold, period, and number of periods."""
    if rule := alarm.get("AlarmRule"):
        return _shorten(rule)
    parsed = MetricAlarm.of(alarm)
    line, metric = parsed.watched, parsed.watched.metric
    what = line.label or line.id or (metric and f"{line.stat} of {metric.name}")
    times = f" in {parsed.needed} of {parsed.total}" if parsed.total > 1 else ""
    length = f"{line.period // 60} min" if line.period % 3600 else f"{line.period // 3600} h"
    return f"{what} {parsed.limit}, {length} a point{times}"


def alarms_of(body: Mapping[str, Any], stage: str) -> list[str]:
    """Return the file names of the alarms on a dashboard, in the dashboard's order."""
    arns = [arn for widget in body["widgets"] if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    return [alarm_of(arn.replace(STAGE_VARIABLE, stage), stage) for arn in arns]


def _shorten(text: str) -> str:
    """Replace each name of a deployed alarm in a text with the alarm's file name."""
    return _NAME.sub(r"\1", text)

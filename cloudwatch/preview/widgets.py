"""What a page needs to draw the widgets of a dashboard: curves, numbers, states, texts, as JSON.

Everything is computed here; the browser only draws. A widget's `state` is `ok`, `empty` (no data in this time),
`aws_only` (all that it shows is emitted by AWS itself, and there is none) or `error` (it cannot be shown, and `message`
says why), never a blank.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cloudwatch.files import Files
from cloudwatch.preview import units
from cloudwatch.preview.alarm_widget import Course
from cloudwatch.preview.evaluate import Curve, EvaluationError, evaluate
from cloudwatch.preview.periods import Grid
from cloudwatch.preview.recording import Span
from cloudwatch.preview.series import Store
from cloudwatch.project import prefix
from cloudwatch.syntax.expression import ExpressionError
from cloudwatch.syntax.graphed_metrics import PERIOD, GraphedMetric, GraphedMetricsError, expand
from cloudwatch.syntax.statistic import StatisticError

type Json = dict[str, Any]

AWS_ONLY = "Only AWS emits these metrics; there are none in a local recording."
EMPTY = "No data in this time range."
_KINDS = {"timeSeries": "chart", "singleValue": "number", "gauge": "gauge", "bar": "bar", "table": "table"}
_CONSOLE = re.compile(r"https://[^)\s]*#dashboards:name=[a-z]+-[a-z0-9]+-([a-z]+)")
_ISO = re.compile(r"-P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_AUTO = ((3 * 3600, 60), (24 * 3600, 300), (3 * 86400, 900), (15 * 86400, 3600))
"""Longest time range and the period that it gets where the period is automatic, as in CloudWatch; a day beyond."""


@dataclass(frozen=True, slots=True)
class View:
    """What a dashboard is looked at with. `page`: address of another page, by name; `oldest`: of all data, seconds."""

    stage: str
    span: Span
    store: Store
    files: Files
    courses: Mapping[str, Course]
    oldest: float
    suffix: str = ""


def widgets_of(body: Mapping[str, Any], view: View) -> list[Json]:
    """Every widget of a dashboard, in its order."""
    return [_widget(widget, body, view) for widget in body["widgets"]]


def seconds_of(duration: str) -> float:
    """Length of a time range as dashboards write it, such as `-PT3H`. Raises ValueError."""
    match = _ISO.fullmatch(duration)
    if not match or not any(match.groups()):
        raise ValueError(f"'{duration}' is no time range; expected one such as -PT3H or -P7D")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60


def automatic(length: float) -> int:
    """The period that a time range gets, both in seconds."""
    return next((period for longest, period in _AUTO if length <= longest), 86400)


def _widget(widget: Mapping[str, Any], body: Mapping[str, Any], view: View) -> Json:
    properties = widget.get("properties", {})
    common: Json = {place: widget[place] for place in ("x", "y", "width", "height")}
    common |= {"title": properties.get("title", ""), "state": "ok", "message": ""}
    match widget["type"]:
        case "text":
            text = _CONSOLE.sub(lambda match: match[1] + view.suffix, properties["markdown"])
            return common | {
                "kind": "text",
                "markdown": text,
                "plain": properties.get("background") == "transparent",
            }
        case "alarm":
            return common | _alarms(properties, view)
        case "log":
            return common | {"kind": "logs", "query": properties["query"]}
        case "metric":
            return common | _metrics(properties, body, view)
    return common | _failed("text", f"Widgets of type {widget['type']} cannot be shown here.")


def _failed(kind: str, message: str) -> Json:
    return {"kind": kind, "state": "error", "message": message}


def _alarms(properties: Mapping[str, Any], view: View) -> Json:
    start = prefix(view.stage)
    names = [arn.rpartition(":alarm:")[2].removeprefix(start) for arn in properties["alarms"]]
    if missing := [name for name in names if name not in view.courses]:
        return _failed("alarms", f"There is no alarm {', '.join(missing)} in dashboards/alarms or composites.")
    wanted = properties.get("states")
    courses = [view.courses[name] for name in names]
    shown = [course.told() for course in sorted(courses, key=_ok_last) if not wanted or course.state in wanted]
    return {"kind": "alarms", "alarms": shown, "start": view.span.start * 1e3, "end": view.span.end * 1e3}


def _ok_last(course: Course) -> bool:
    return course.state == "OK"


# Metrics


def _metrics(properties: Mapping[str, Any], body: Mapping[str, Any], view: View) -> Json:
    name = properties.get("view", "timeSeries")
    kind = _KINDS.get(name)
    if kind is None:
        return _failed("chart", f"The view {name} cannot be shown here.")
    try:
        return {"kind": kind} | _curves(properties, kind, body, view)
    except (ExpressionError, EvaluationError, GraphedMetricsError, StatisticError, ValueError) as error:
        return _failed(kind, str(error))


def _curves(properties: Mapping[str, Any], kind: str, body: Mapping[str, Any], view: View) -> Json:
    lines = expand(properties)
    span = _span(properties, kind, view)
    length = span.end - span.start
    whole = bool(properties.get("setPeriodToTimeRange")) and kind != "chart"
    if body.get("periodOverride") != "inherit":
        lines = [replace(line, period=automatic(length)) for line in lines]
    period = min((line.period for line in lines), default=PERIOD)
    anchor = 0
    if whole:
        anchor = int(span.start)
        period = math.ceil(span.end - anchor)  # not of the length: what happened within this second is in it as well
        lines = [replace(line, period=period) for line in lines]
    drawn = evaluate(lines, view.store, span.start, span.end, period, anchor=anchor)
    curves = [curve for curve in drawn if curve.visible]
    grid = Grid.covering(span.start, span.end, period, anchor)
    if properties.get("liveData") is False:
        curves = [_of_whole_periods(curve, grid, span) for curve in curves]
    if all(_is_empty(curve) for curve in curves):
        return {"state": "aws_only", "message": AWS_ONLY} if _is_of_aws(lines) else {"state": "empty", "message": EMPTY}
    axes = {side: _axis(properties, side) for side in ("left", "right")}
    told = [_told(curve, lines[curve.row], axes) for curve in curves]
    for side, axis in axes.items():
        axis["unit"] = _common([curve["unit"] for curve in told if curve["axis"] == side])
    table = properties.get("table", {})
    return {
        "start": span.start * 1e3,
        "end": span.end * 1e3,
        "times": [begin * 1000 for begin in grid.begins.tolist()],
        "period": period,
        "curves": told,
        "axes": axes,
        "stacked": properties.get("stacked", False),
        "sparkline": properties.get("sparkline", False) and not whole,
        "legend": properties.get("legend", {}).get("position", "bottom"),
        "thresholds": list(_thresholds(properties)),
        "moments": list(_moments(properties)),
        "summaries": table.get("summaryColumns", ["MIN", "MAX", "SUM", "AVG"]),
        "course": table.get("showTimeSeriesData", True),
    }


def _span(properties: Mapping[str, Any], kind: str, view: View) -> Span:
    """The time that a widget shows: its own, if it has one; a graph begins no earlier than the recording."""
    if "start" not in properties:
        return view.span
    start = view.span.end - seconds_of(properties["start"])
    if kind in {"chart", "table"}:
        start = max(start, min(view.oldest, view.span.end - 3600))
    return Span(start, view.span.end)


def _told(curve: Curve, line: GraphedMetric, axes: Mapping[str, Json]) -> Json:
    side = curve.y_axis
    return {
        "id": curve.id,
        "label": curve.label,
        "color": curve.color,
        "axis": side,
        "unit": units.of_line(line, axes[side]["label"]),
        "period": curve.period,
        "values": [_number(value) for value in curve.values.tolist()],
    }


def _of_whole_periods(curve: Curve, grid: Grid, span: Span) -> Curve:
    """The curve without a period that is not over yet."""
    return replace(curve, values=np.where(grid.begins + curve.period <= span.end, curve.values, np.nan))


def _number(value: float) -> float | None:
    """Six figures of it; None for none."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _is_empty(curve: Curve) -> bool:
    return not any(math.isfinite(value) for value in curve.values)


def _is_of_aws(lines: Sequence[GraphedMetric]) -> bool:
    return all(line.metric.namespace.startswith("AWS/") for line in lines if line.metric)


def _axis(properties: Mapping[str, Any], side: str) -> Json:
    axis = properties.get("yAxis", {}).get(side, {})
    label = axis.get("label", "")
    return {"label": label, "min": axis.get("min"), "max": axis.get("max"), "shown": not units.is_said(label)}


def _common(found: Sequence[str | None]) -> str | None:
    return found[0] if found and len(set(found)) == 1 else None


def _thresholds(properties: Mapping[str, Any]) -> Iterator[Json]:
    """Horizontal annotations; two in a list are a band from one to the other."""
    for each in properties.get("annotations", {}).get("horizontal", []):
        low, high = (each, None) if isinstance(each, dict) else sorted(each, key=lambda line: float(line["value"]))
        if low.get("visible", True):
            yield {
                "value": low["value"],
                "upTo": high["value"] if high else None,
                "label": low.get("label", ""),
                "color": low.get("color"),
                "fill": low.get("fill"),
                "axis": low.get("yAxis", "left"),
            }


def _moments(properties: Mapping[str, Any]) -> Iterator[Json]:
    for each in properties.get("annotations", {}).get("vertical", []):
        if isinstance(each, dict) and each.get("visible", True):
            yield {"at": each["value"], "label": each.get("label", ""), "color": each.get("color")}

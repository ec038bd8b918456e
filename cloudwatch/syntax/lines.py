"""The lines of a graph: what a `metrics` array of a dashboard or an alarm's `Metrics` says, written out in full.

A row of a dashboard is `[namespace, name, dimension, value, …, {options}]`, or `[{"expression": …}]`. Shorthand,
as the dashboard body structure documents it: `.` repeats the item above at that place, and `...` at the start stands
for as many items from the start of the row above as the row is then short of. "Above" is the nearest row that is a
metric; expressions between do not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPTIONS = frozenset(
    {"accountId", "color", "expression", "id", "label", "period", "region", "stat", "visible", "yAxis"},
)  # per-row options of the dashboard body structure
STAT = "Average"  # what CloudWatch takes where neither the row nor the widget says
PERIOD = 300  # seconds, likewise


class LinesError(ValueError):
    """A row that is no metric and no expression; the message names the row, counted from 1."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One time series: its dimensions are kept in the order of their names."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "Metric":
        """The metric with these dimensions, whatever their order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))

    def __str__(self) -> str:
        listed = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.namespace} {self.name} ({listed})" if listed else f"{self.namespace} {self.name}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a graph, or one helper that is not visible: either `metric` or `expression` is there.

    `row` counts from 0. `id` is None where nothing can refer to it. `period` is in seconds. `label` is as written,
    None for what CloudWatch would call it. `y_axis` is `left` or `right`, `color` as `#1f77b4`.
    """

    row: int
    id: str | None
    metric: Metric | None
    expression: str | None
    stat: str
    period: int
    label: str | None = None
    color: str | None = None
    y_axis: str = "left"
    visible: bool = True
    region: str | None = None


def expand(properties: Mapping[str, Any]) -> list[Line]:
    """The lines of a metric widget's `properties`.

    Raises:
        LinesError: a row has a shorthand with nothing above, an unpaired dimension, an unknown option, an id twice…
    """
    lines: list[Line] = []
    above: list[str] = []
    for number, row in enumerate(properties.get("metrics", [])):
        items, options = _split(number, row)
        if "expression" in options:
            if items:
                raise _wrong(number, f"has both an expression and a metric ({', '.join(items)}); give it one of them")
            metric = None
        else:
            above = _written_out(number, items, above)
            metric = _metric(number, above)
        lines.append(_line(number, metric, options, properties))
    _check_ids(lines)
    return lines


def of_queries(queries: Sequence[Mapping[str, Any]]) -> list[Line]:
    """The lines of an alarm's `Metrics` (MetricDataQueries); the one that the alarm watches is the visible one.

    Raises:
        LinesError: a query has neither or both of MetricStat and Expression, an id twice…
    """
    lines: list[Line] = []
    for number, query in enumerate(queries):
        given = query.get("MetricStat")
        if (given is None) == ("Expression" not in query):
            raise _wrong(number, "needs either a MetricStat or an Expression")
        lines.append(
            Line(
                row=number,
                id=query.get("Id"),
                metric=None if given is None else of_alarm(given["Metric"]),
                expression=query.get("Expression"),
                stat=STAT if given is None else given["Stat"],
                period=query.get("Period", PERIOD) if given is None else given["Period"],
                label=query.get("Label"),
                visible=query.get("ReturnData", True),
            )
        )
    _check_ids(lines)
    return lines


def of_alarm(metric: Mapping[str, Any]) -> Metric:
    """The metric that `Namespace`, `MetricName` and `Dimensions` of an alarm, or of a query in it, name."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions", [])}
    return Metric.of(metric["Namespace"], metric["MetricName"], dimensions)


def _split(number: int, row: object) -> tuple[list[str], Mapping[str, Any]]:
    if not isinstance(row, list) or not row:
        raise _wrong(number, f"is {row!r}; expected a list such as [namespace, name, dimension, value, {{options}}]")
    *items, last = row
    if not isinstance(last, dict):
        items, last = row, {}
    if not all(isinstance(item, str) for item in items):
        raise _wrong(number, f"is {row!r}; all but the last item, which may be options, are strings")
    if unknown := last.keys() - OPTIONS:
        raise _wrong(number, f"has unknown options {sorted(unknown)}; known are {sorted(OPTIONS)}")
    return items, last


def _written_out(number: int, items: list[str], above: list[str]) -> list[str]:
    """The row without shorthand."""
    if not items:
        raise _wrong(number, "has options but no metric and no expression")
    if ("..." in items or "." in items) and not above:
        raise _wrong(number, "uses `.` or `...`, but no metric stands above it")
    if items[0] == "...":
        items = above[: max(0, len(above) - len(items) + 1)] + items[1:]
    if "..." in items:
        raise _wrong(number, "has `...` after its first item; it can only stand first")
    if "." in items[len(above) :]:
        raise _wrong(number, f"repeats more items than the {len(above)} that the metric above has")
    return [above[place] if item == "." else item for place, item in enumerate(items)]


def _metric(number: int, items: list[str]) -> Metric:
    if len(items) < 2 or len(items) % 2:
        shown = ", ".join(items)
        raise _wrong(number, f"is [{shown}]; expected namespace and name, then each dimension with its value")
    dimensions = dict(zip(items[2::2], items[3::2], strict=True))
    if len(dimensions) * 2 != len(items) - 2:
        raise _wrong(number, f"names a dimension twice: {', '.join(items[2::2])}")
    return Metric.of(items[0], items[1], dimensions)


def _line(number: int, metric: Metric | None, options: Mapping[str, Any], properties: Mapping[str, Any]) -> Line:
    y_axis = options.get("yAxis", "left")
    if y_axis not in {"left", "right"}:
        raise _wrong(number, f"has yAxis {y_axis!r}; expected left or right")
    return Line(
        row=number,
        id=options.get("id"),
        metric=metric,
        expression=options.get("expression"),
        stat=options.get("stat", properties.get("stat", STAT)),
        period=options.get("period", properties.get("period", PERIOD)),
        label=options.get("label"),
        color=options.get("color"),
        y_axis=y_axis,
        visible=options.get("visible", True),
        region=options.get("region", properties.get("region")),
    )


def _check_ids(lines: Sequence[Line]) -> None:
    seen: dict[str, int] = {}
    for line in lines:
        if line.id is None:
            continue
        if not (line.id[:1].islower() and line.id.replace("_", "a").isalnum() and line.id.isascii()):
            raise _wrong(line.row, f"has id {line.id!r}; ids are letters, digits and _, a lower-case letter first")
        if line.id in seen:
            raise _wrong(line.row, f"has the id {line.id} of row {seen[line.id] + 1}; each id may be used once")
        seen[line.id] = line.row


def _wrong(number: int, what: str) -> LinesError:
    return LinesError(f"row {number + 1} {what}")

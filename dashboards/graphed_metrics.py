"""Read the entries of a widget's `metrics` or of an alarm's `Metrics`, and expand their shorthand.

An entry of a widget is `[namespace, name, dimension, value, …, {options}]`, or `[{"expression": …}]`. It may use the
shorthand of the dashboard body structure: `.` repeats the item at the same place in the metric above, and a leading
`...` stands for the first items of that metric, as many as are missing from the entry. The metric above is the nearest
earlier metric; expressions are skipped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

STAT = "Average"  # CloudWatch's default if neither the entry nor the widget names a statistic
PERIOD = 300  # seconds; CloudWatch's default period
_ID = re.compile(r"[a-z]\w*", re.ASCII)
_OPTIONS = ("id", "expression", "stat", "period", "label", "color", "visible")
_OF_QUERY = {"id": "Id", "expression": "Expression", "period": "Period", "label": "Label", "visible": "ReturnData"}
"""Field of an entry → member of a MetricDataQuery."""


class GraphedMetricsError(ValueError):
    """An entry is invalid. The message starts with the number of the entry, counted from 1."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(f"metric {row + 1} {what}")


class TimeSeries(NamedTuple):
    """One time series; its dimensions are sorted by name."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "TimeSeries":
        """Return the time series of a metric with dimensions in any order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True, slots=True)
class GraphedMetric:
    """One entry: either `metric` or `expression` is set. Entries that are not visible are for use in expressions.

    `row` counts from 0. `id` is None if nothing can refer to the entry. `period` is in seconds. `label` is as written;
    None means CloudWatch's default. `y_axis` is `left` or `right`; `color` looks like `#1f77b4`.
    """

    row: int
    id: str | None = None
    metric: TimeSeries | None = None
    expression: str | None = None
    stat: str = STAT
    period: int = PERIOD
    label: str | None = None
    color: str | None = None
    y_axis: str = "left"
    visible: bool = True

    @property
    def title(self) -> str:
        """The name of the entry in messages: `metric 2 "faults"`, counted from 1."""
        return f"metric {self.row + 1}" + (f' "{self.id}"' if self.id else "")


def expand(properties: Mapping[str, Any]) -> list[GraphedMetric]:
    """Return a widget's `metrics` with shorthand (`.`, `...`) and defaults in full. Raises `GraphedMetricsError`."""
    entries, above = list[GraphedMetric](), list[str]()
    of_widget = {name: properties[name] for name in ("stat", "period") if name in properties}
    for row, entry in enumerate(properties.get("metrics", [])):
        written: list[Any] = entry if isinstance(entry, list) and entry else [None]
        *items, options = written if isinstance(written[-1], dict) else [*written, {}]
        metric = None
        if items or "expression" not in options:
            if items[:1] == ["..."]:
                items = above[: max(0, len(above) - len(items) + 1)] + items[1:]
            above = [above[at] if item == "." and at < len(above) else item for at, item in enumerate(items)]
            names = above[2::2]
            is_whole = len(above) >= 2 and len(above) == 2 + 2 * len(set(map(str, names)))
            if "expression" in options or not is_whole or not all(isinstance(each, str) for each in above):
                form = "[namespace, name, dimension, value, …, {options}], each dimension once, or [{'expression': …}]"
                raise GraphedMetricsError(row, f"is {entry!r}; expected {form}")
            if {".", "..."} & set(above):
                raise GraphedMetricsError(row, "uses `.` or `...` where the metric above it has no item; write it out")
            metric = TimeSeries.of(above[0], above[1], dict(zip(names, above[3::2], strict=True)))
        given = of_widget | {name: options[name] for name in _OPTIONS if name in options}
        entries.append(GraphedMetric(row, metric=metric, y_axis=options.get("yAxis", "left"), **given))
    return _with_valid_ids(entries)


def of_alarm(alarm: Mapping[str, Any]) -> list[GraphedMetric]:
    """Return the entries of an alarm with `Metrics` or `MetricName`. The one that the alarm watches is visible.

    Raises `GraphedMetricsError`, for instance for a query with neither or both of MetricStat and Expression.
    """
    if "Metrics" not in alarm:
        stat, period = alarm.get("Statistic") or alarm["ExtendedStatistic"], int(alarm["Period"])
        return [GraphedMetric(0, metric=_metric_of(alarm), stat=str(stat), period=period)]
    entries = list[GraphedMetric]()
    for row, query in enumerate(alarm["Metrics"]):
        stat = query.get("MetricStat")
        if (stat is None) == ("Expression" not in query):
            raise GraphedMetricsError(row, "needs either a MetricStat or an Expression")
        given = {name: query[theirs] for name, theirs in _OF_QUERY.items() if theirs in query}
        if stat is not None:
            given |= {"metric": _metric_of(stat["Metric"]), "stat": stat["Stat"], "period": stat["Period"]}
        entries.append(GraphedMetric(row, **given))
    return _with_valid_ids(entries)


def _metric_of(parameters: Mapping[str, Any]) -> TimeSeries:
    """Return the metric with the `Namespace`, `MetricName` and `Dimensions` of an alarm or a MetricStat."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in parameters.get("Dimensions", [])}
    return TimeSeries.of(parameters["Namespace"], parameters["MetricName"], dimensions)


def _with_valid_ids(entries: Sequence[GraphedMetric]) -> list[GraphedMetric]:
    ids = [entry.id for entry in entries if entry.id is not None]
    for entry in entries:
        if entry.id is not None and (not _ID.fullmatch(entry.id) or ids.count(entry.id) > 1):
            what = "write a lower-case letter, then letters, digits or _, which no other entry has"
            raise GraphedMetricsError(entry.row, f"has id {entry.id!r}; {what}")
    return list(entries)

"""Read the entries of a widget's `metrics` or of an alarm's `Metrics`, and expand their shorthand.

An entry of a widget is `[namespace, name, dimension, value, …, {options}]`, or `[{"expression": …}]`. It may use the
shorthand of the dashboard body structure: `.` repeats the item at the same place in the metric above, and a leading
`...` stands for the first items of that metric, as many as are missing from the entry. The metric above is the nearest
earlier metric; expressions are skipped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

STAT = "Average"  # CloudWatch's default if neither the entry nor the widget names a statistic
PERIOD = 300  # seconds; CloudWatch's default period
_ID = re.compile(r"[a-z]\w*", re.ASCII)
_OPTIONS = ("id", "expression", "stat", "period", "label", "color", "visible")
_OF_QUERY = {"id": "Id", "expression": "Expression", "period": "Period", "label": "Label", "visible": "ReturnData"}
"""Field of an entry → member of a MetricDataQuery."""
_FORM = "[namespace, name, dimension, value, …, {options}], with strings apart from the options"


class GraphedMetricsError(ValueError):
    """An entry is invalid. The message starts with the number of the entry, counted from 1."""


@dataclass(frozen=True, slots=True)
class TimeSeries:
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

    @property
    def key(self) -> str:
        """The id, or the title of an entry without an id."""
        return self.id or self.title


def expand(properties: Mapping[str, Any]) -> list[GraphedMetric]:
    """Return a widget's `metrics` with shorthand (`.`, `...`) and defaults in full. Raises `GraphedMetricsError`."""
    entries, above = list[GraphedMetric](), list[str]()
    of_widget = {name: properties[name] for name in ("stat", "period") if name in properties}
    for row, entry in enumerate(properties.get("metrics", [])):
        if not isinstance(entry, list) or not entry:
            raise _wrong(row, f"is {entry!r}; expected {_FORM}")
        *items, options = entry if isinstance(entry[-1], dict) else [*entry, {}]
        if bool(items) == ("expression" in options) or not all(isinstance(item, str) for item in items):
            raise _wrong(row, f"is {entry!r}; expected either {_FORM}, or [{{'expression': …}}]")
        metric = None
        if items:
            above = _written_out(row, items, above)
            metric = TimeSeries.of(above[0], above[1], dict(zip(above[2::2], above[3::2], strict=True)))
        given = of_widget | {name: options[name] for name in _OPTIONS if name in options}
        entries.append(GraphedMetric(row, metric=metric, y_axis=options.get("yAxis", "left"), **given))
    return _with_valid_ids(entries)


def _written_out(row: int, items: list[str], above: list[str]) -> list[str]:
    """Return the items of an entry with its shorthand replaced by the items of the metric above."""
    if items[0] == "...":
        items = above[: max(0, len(above) - len(items) + 1)] + items[1:]
    if "..." in items or "." in items[len(above) :]:
        raise _wrong(row, "uses `.` or `...` where the metric above it has no item; write it in full")
    found = [above[place] if item == "." else item for place, item in enumerate(items)]
    if len(found) < 2 or len(found) % 2 or len(set(found[2::2])) * 2 != len(found) - 2:
        raise _wrong(row, f"is [{', '.join(found)}]; expected {_FORM}, each dimension once")
    return found


def from_queries(queries: Sequence[Mapping[str, Any]]) -> list[GraphedMetric]:
    """Return the entries of an alarm's `Metrics` (MetricDataQueries). The entry that the alarm watches is visible.

    Raises `GraphedMetricsError`, for instance for a query with neither or both of MetricStat and Expression.
    """
    entries = list[GraphedMetric]()
    for row, query in enumerate(queries):
        stat = query.get("MetricStat")
        if (stat is None) == ("Expression" not in query):
            raise _wrong(row, "needs either a MetricStat or an Expression")
        given = {name: query[theirs] for name, theirs in _OF_QUERY.items() if theirs in query}
        if stat is not None:
            given |= {"metric": metric_of(stat["Metric"]), "stat": stat["Stat"], "period": stat["Period"]}
        entries.append(GraphedMetric(row, **given))
    return _with_valid_ids(entries)


def of_alarm(alarm: Mapping[str, Any]) -> list[GraphedMetric]:
    """Return the entries of an alarm with `Metrics` or `MetricName`. Raises `GraphedMetricsError` and KeyError."""
    if "Metrics" in alarm:
        return from_queries(alarm["Metrics"])
    stat, period = alarm.get("Statistic") or alarm["ExtendedStatistic"], int(alarm["Period"])
    return [GraphedMetric(0, metric=metric_of(alarm), stat=str(stat), period=period)]


def metric_of(parameters: Mapping[str, Any]) -> TimeSeries:
    """Return the metric with the `Namespace`, `MetricName` and `Dimensions` of an alarm or a MetricStat."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in parameters.get("Dimensions", [])}
    return TimeSeries.of(parameters["Namespace"], parameters["MetricName"], dimensions)


def _with_valid_ids(entries: list[GraphedMetric]) -> list[GraphedMetric]:
    ids = [entry.id for entry in entries if entry.id is not None]
    for entry in entries:
        if entry.id is not None and (not _ID.fullmatch(entry.id) or ids.count(entry.id) > 1):
            what = "write a lower-case letter, then letters, digits or _, which no other entry has"
            raise _wrong(entry.row, f"has id {entry.id!r}; {what}")
    return entries


def _wrong(row: int, what: str) -> GraphedMetricsError:
    return GraphedMetricsError(f"metric {row + 1} {what}")

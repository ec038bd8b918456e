"""What one metric alarm looks at, evaluation by evaluation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cloudwatch.preview.evaluate import Evaluator
from cloudwatch.preview.missing import MORE, Treatment, judge
from cloudwatch.preview.periods import Floats, Grid, Integers
from cloudwatch.preview.series import Store
from cloudwatch.preview.values import Series
from cloudwatch.syntax.graphed_metrics import GraphedMetric, from_queries, metric_of

MINUTE = 60  # seconds between evaluations

_COMPARISONS: Mapping[str, tuple[str, Callable[[Floats, float], Any]]] = {
    "GreaterThanOrEqualToThreshold": ("≥", np.greater_equal),
    "GreaterThanThreshold": (">", np.greater),
    "LessThanOrEqualToThreshold": ("≤", np.less_equal),
    "LessThanThreshold": ("<", np.less),
}
_TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


class AlarmError(ValueError):
    """An alarm that cannot be evaluated; the message names it and says why."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What an alarm looks at, and when it fires: `needed` of the last `total` periods."""

    name: str
    lines: Sequence[GraphedMetric]
    watched: GraphedMetric
    total: int
    needed: int
    comparison: str
    threshold: float
    treatment: Treatment

    @classmethod
    def of(cls, name: str, alarm: Mapping[str, Any]) -> "Watch":
        """Raises `AlarmError` for what the preview does not evaluate."""
        comparison, window = alarm.get("ComparisonOperator"), alarm.get("EvaluationWindow", {"SlidingWindow": {}})
        treatment = alarm.get("TreatMissingData", "missing")
        if not isinstance(comparison, str) or comparison not in _COMPARISONS or "Threshold" not in alarm:
            known = ", ".join(_COMPARISONS)
            raise AlarmError(f"alarm {name} has no Threshold or compares with {comparison}; evaluated are {known}")
        if treatment not in _TREATMENTS:
            raise AlarmError(f"alarm {name} treats missing data as {treatment}; expected {', '.join(_TREATMENTS)}")
        if "SlidingWindow" not in window or alarm.get("EvaluateLowSampleCountPercentile", "evaluate") != "evaluate":
            what = (
                "a wall clock window" if "SlidingWindow" not in window else "EvaluateLowSampleCountPercentile: ignore"
            )
            raise AlarmError(f"alarm {name} has {what}, which the preview does not evaluate")
        lines = _lines(name, alarm)
        watched = [line for line in lines if line.visible]
        if len(watched) != 1:
            raise AlarmError(f"alarm {name} watches {len(watched)} lines; set ReturnData of one of them")
        if watched[0].period % MINUTE:
            raise AlarmError(f"alarm {name} has a period of {watched[0].period} s; the preview takes whole minutes")
        total = int(alarm["EvaluationPeriods"])
        needed = int(alarm.get("DatapointsToAlarm", total))
        return cls(name, lines, watched[0], total, needed, comparison, float(alarm["Threshold"]), treatment)

    def look(self, store: Store, first: int, minutes: int) -> "Sight":
        """What every evaluation sees, the first at `first` (seconds since 1970), then one a minute."""
        period, columns = self.watched.period, self.total + MORE
        lag = period // MINUTE
        number = minutes + (columns - 1) * lag if minutes else 0
        grid = Grid(first - period * columns, number, MINUTE, period, sliding=True)
        value = Evaluator(self.lines, store, lambda _: grid).value(self.watched)
        if not isinstance(value, Series):
            raise AlarmError(f"alarm {self.name} watches {self.watched.expression}, which is no single series")
        places = np.arange(minutes)[:, np.newaxis] + lag * np.arange(columns - 1, -1, -1)
        return Sight(self, value.values[places], grid.begins[places])

    def crosses(self, points: Floats) -> NDArray[np.bool_]:
        """Which of the points are beyond the threshold."""
        return np.asarray(_COMPARISONS[self.comparison][1](points, self.threshold), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Sight:
    """What each evaluation saw, a row each: values of its periods, NaN if missing, and their begins, latest first."""

    watch: Watch
    points: Floats
    begins: Integers

    @property
    def verdicts(self) -> Integers:
        """What each evaluation says, as in `cloudwatch.preview.missing`."""
        watch = self.watch
        return judge(self.points, watch.crosses(self.points), watch.total, watch.needed, watch.treatment)

    def reason(self, evaluation: int) -> tuple[str, tuple[tuple[int, float], ...]]:
        """In words why an evaluation came out as it did, and the points that crossed: (begin, value)."""
        watch, points = self.watch, self.points[evaluation]
        exists = ~np.isnan(points)
        judged = exists & (np.cumsum(exists) <= watch.total)
        found = int(judged.sum())
        crossed = judged & watch.crosses(points)
        told = tuple(zip(self.begins[evaluation][crossed].tolist(), points[crossed].tolist(), strict=True))
        absent = f"{watch.total - found} missing, treated as {watch.treatment}" if found < watch.total else ""
        if not found:
            return f"no data in {points.size * watch.watched.period // MINUTE} minutes; {absent}", told
        rule = f"{_COMPARISONS[watch.comparison][0]} {watch.threshold:g}, {watch.needed} of {watch.total} needed"
        listed = ", ".join(f"{value:.4g} at {_clock(begin)}" for begin, value in told)
        parts = [f"{len(told)} of {found} points crossed ({rule})" + (f": {listed}" if listed else ""), absent]
        return "; ".join(part for part in parts if part), told


def _lines(name: str, alarm: Mapping[str, Any]) -> list[GraphedMetric]:
    """The lines of an alarm; its expressions have the period of its metrics, which all must have the same."""
    if "Metrics" not in alarm:
        stat = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        if not {"Namespace", "MetricName", "Period"} <= alarm.keys() or not stat:
            raise AlarmError(
                f"alarm {name} has no Metrics; it needs Namespace, MetricName, Period and a statistic then"
            )
        return [GraphedMetric(0, None, metric_of(alarm), None, str(stat), int(alarm["Period"]))]
    lines = from_queries(alarm["Metrics"])
    periods = {line.period for line in lines if line.metric} or {line.period for line in lines if line.visible}
    if len(periods) > 1:
        raise AlarmError(f"alarm {name} has metrics of periods {sorted(periods)} s; they must have the same")
    return [replace(line, period=period) for line in lines for period in periods]


def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M")

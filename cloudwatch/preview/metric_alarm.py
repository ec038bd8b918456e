"""Evaluate a metric alarm once for each minute."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from cloudwatch.preview.evaluate import Evaluator
from cloudwatch.preview.metric_store import MetricStore
from cloudwatch.preview.missing_data import EXTRA_POINTS, Treatment, verdicts_of
from cloudwatch.preview.periods import Floats, Grid, Integers
from cloudwatch.preview.values import Series
from cloudwatch.syntax.graphed_metrics import GraphedMetric, from_queries, metric_of

MINUTE = 60  # seconds between two evaluations

_COMPARISONS: Mapping[str, tuple[str, Callable[[Floats, float], Any]]] = {
    "GreaterThanOrEqualToThreshold": ("≥", np.greater_equal),
    "GreaterThanThreshold": (">", np.greater),
    "LessThanOrEqualToThreshold": ("≤", np.less_equal),
    "LessThanThreshold": ("<", np.less),
}
SYMBOLS: Mapping[str, str] = {name: symbol for name, (symbol, _) in _COMPARISONS.items()}
_TREATMENTS = get_args(Treatment.__value__)


class AlarmError(ValueError):
    """The preview cannot evaluate an alarm. The message names the alarm and the reason."""


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """A metric alarm. It fires if the line `watched` crosses the threshold in `needed` of the last `total` periods."""

    name: str
    lines: Sequence[GraphedMetric]
    watched: GraphedMetric
    total: int
    needed: int
    comparison: str
    threshold: float
    treatment: Treatment

    @classmethod
    def of(cls, name: str, alarm: Mapping[str, Any]) -> "MetricAlarm":
        """Parse an alarm. Raises `AlarmError` if the preview does not support a setting."""
        comparison, window = alarm.get("ComparisonOperator"), alarm.get("EvaluationWindow", {"SlidingWindow": {}})
        treatment = alarm.get("TreatMissingData", "missing")
        if not isinstance(comparison, str) or comparison not in _COMPARISONS or "Threshold" not in alarm:
            known = ", ".join(_COMPARISONS)
            raise AlarmError(
                f"alarm {name} has no Threshold, or its ComparisonOperator {comparison} is not supported; "
                f"set Threshold, and set ComparisonOperator to one of {known}"
            )
        if treatment not in _TREATMENTS:
            raise AlarmError(f"alarm {name} has TreatMissingData {treatment}; use one of {', '.join(_TREATMENTS)}")
        if "SlidingWindow" not in window:
            raise AlarmError(f"alarm {name} has a wall clock window; the preview evaluates only a SlidingWindow")
        if alarm.get("EvaluateLowSampleCountPercentile", "evaluate") != "evaluate":
            what = "EvaluateLowSampleCountPercentile: ignore"
            raise AlarmError(f"alarm {name} has {what}; the preview supports only `evaluate`")
        lines = _lines(name, alarm)
        watched = [line for line in lines if line.visible]
        if len(watched) != 1:
            raise AlarmError(
                f"alarm {name} watches {len(watched)} metrics or expressions; set ReturnData to true on exactly one"
            )
        if watched[0].period % MINUTE:
            raise AlarmError(f"alarm {name} has a period of {watched[0].period} s; use a multiple of {MINUTE} s")
        total = int(alarm["EvaluationPeriods"])
        needed = int(alarm.get("DatapointsToAlarm", total))
        return cls(name, lines, watched[0], total, needed, comparison, float(alarm["Threshold"]), treatment)

    def evaluate(self, store: MetricStore, first: int, minutes: int) -> "Evaluations":
        """Return one evaluation per minute, beginning at `first` (seconds since 1970)."""
        period, columns = self.watched.period, self.total + EXTRA_POINTS
        lag = period // MINUTE
        number = minutes + (columns - 1) * lag if minutes else 0
        grid = Grid(first - period * columns, number, MINUTE, period, sliding=True)
        value = Evaluator(self.lines, store, lambda _: grid).value(self.watched)
        if not isinstance(value, Series):
            raise AlarmError(
                f"alarm {self.name} watches {self.watched.expression}, which does not return one series; change it"
            )
        places = np.arange(minutes)[:, np.newaxis] + lag * np.arange(columns - 1, -1, -1)
        return Evaluations(self, value.values[places], grid.begins[places])

    def crosses(self, points: Floats) -> NDArray[np.bool_]:
        """Return True for each point that crosses the threshold."""
        return np.asarray(_COMPARISONS[self.comparison][1](points, self.threshold), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The evaluations of an alarm. Each has one row of points, the latest point first. NaN marks a missing point.

    `begins` has the start of the period of each point, in seconds since 1970.
    """

    alarm: MetricAlarm
    points: Floats
    begins: Integers

    @property
    def verdicts(self) -> Integers:
        """The verdict of each evaluation: one of the constants of `cloudwatch.preview.missing_data`."""
        alarm = self.alarm
        return verdicts_of(self.points, alarm.crosses(self.points), alarm.total, alarm.needed, alarm.treatment)

    def reason(self, evaluation: int) -> str:
        """Return the reason for a verdict, with the points that crossed the threshold."""
        alarm, points = self.alarm, self.points[evaluation]
        exists = ~np.isnan(points)
        judged = exists & (np.cumsum(exists) <= alarm.total)
        found = int(judged.sum())
        crossed = judged & alarm.crosses(points)
        absent = f"{alarm.total - found} missing, treated as {alarm.treatment}" if found < alarm.total else ""
        if not found:
            return f"no data in {points.size * alarm.watched.period // MINUTE} minutes; {absent}"
        rule = f"{SYMBOLS[alarm.comparison]} {alarm.threshold:g}, {alarm.needed} of {alarm.total} needed"
        crossing = zip(self.begins[evaluation][crossed].tolist(), points[crossed].tolist(), strict=True)
        listed = ", ".join(f"{value:.4g} at {_clock(begin)}" for begin, value in crossing)
        parts = [f"{crossed.sum()} of {found} points crossed ({rule})" + (f": {listed}" if listed else ""), absent]
        return "; ".join(part for part in parts if part)


def _lines(name: str, alarm: Mapping[str, Any]) -> list[GraphedMetric]:
    """Return the lines of an alarm. All metrics must have the same period; expressions get this period too."""
    if "Metrics" not in alarm:
        stat = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        if not {"Namespace", "MetricName", "Period"} <= alarm.keys() or not stat:
            raise AlarmError(
                f"alarm {name} is incomplete; add Metrics, or Namespace, MetricName, Period and a statistic"
            )
        return [GraphedMetric(0, None, metric_of(alarm), None, str(stat), int(alarm["Period"]))]
    lines = from_queries(alarm["Metrics"])
    periods = {line.period for line in lines if line.metric} or {line.period for line in lines if line.visible}
    if len(periods) > 1:
        raise AlarmError(f"alarm {name} has metrics with periods of {sorted(periods)} s; use one period for all")
    return [replace(line, period=period) for line in lines for period in periods]


def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M")

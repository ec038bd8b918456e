"""Evaluate a metric alarm once for each minute.

An alarm with N evaluation periods fetches a few points more than N and evaluates the latest N existing points. If
fewer than N points exist, TreatMissingData decides how the missing points count. The alarm fires if M points cross
the threshold. With the treatment `missing`, it also fires if all existing points cross the threshold and the oldest of
them is at least M periods old.

Periods before the start of a recording do not count as missing points: their values are unknown. They neither fire an
alarm nor keep it from firing.

Source: "Configuring how CloudWatch alarms treat missing data" in the CloudWatch user guide. The tests use its tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dashboards.evaluate import Evaluator
from dashboards.graphed_metrics import GraphedMetric, of_alarm
from dashboards.series import EvaluationError, Floats, Grid, Integers, MetricStore, Series

MINUTE = 60  # seconds between two evaluations
EXTRA_POINTS = 2  # points fetched besides the N that count, as in the user guide's tables; AWS guarantees no number

type Treatment = Literal["missing", "ignore", "breaching", "notBreaching"]

OK, ALARM, INSUFFICIENT_DATA, RETAIN = 0, 1, 2, 3
"""Verdicts of one evaluation. RETAIN means that the alarm keeps its previous state."""

_COMPARISONS: Mapping[str, tuple[str, Callable[[Floats, float], Any]]] = {
    "GreaterThanOrEqualToThreshold": ("≥", np.greater_equal),
    "GreaterThanThreshold": (">", np.greater),
    "LessThanOrEqualToThreshold": ("≤", np.less_equal),
    "LessThanThreshold": ("<", np.less),
}
SYMBOLS: Mapping[str, str] = {name: symbol for name, (symbol, _) in _COMPARISONS.items()}


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
        """Parse an alarm's file that lint accepts. Raises `AlarmError` if the preview does not support a setting."""
        try:
            lines = _lines(alarm)
            (watched,) = [line for line in lines if line.visible]
            total = int(alarm["EvaluationPeriods"])
            needed = int(alarm.get("DatapointsToAlarm", total))
            threshold, treatment = float(alarm["Threshold"]), alarm.get("TreatMissingData", "missing")
            made = cls(name, lines, watched, total, needed, alarm["ComparisonOperator"], threshold, treatment)
            if made.comparison not in SYMBOLS or treatment not in get_args(Treatment.__value__):
                raise ValueError(f"the preview does not support {made.comparison} with TreatMissingData {treatment}")
        except (KeyError, ValueError) as error:
            reason = f"{error!r}; run `python -m dashboards lint`, which says what to write"
            raise AlarmError(f"alarm {name} is invalid: {reason}") from error
        if watched.period % MINUTE:
            raise AlarmError(f"alarm {name} has a period of {watched.period} s; use a multiple of {MINUTE} s")
        return made

    def evaluate(self, store: MetricStore, first: int, minutes: int, since: float = 0.0) -> "Evaluations":
        """Evaluate each minute from `first`. `since`: start of the recording. Both are in seconds since 1970."""
        period, columns = self.watched.period, self.total + EXTRA_POINTS
        lag = period // MINUTE
        number = minutes + (columns - 1) * lag if minutes else 0
        grid = Grid(first - period * columns, number, MINUTE, period, sliding=True)
        value = Evaluator(self.lines, store, lambda _: grid).value(self.watched)
        if not isinstance(value, Series):
            raise EvaluationError(f"watches {self.watched.expression}, which does not return one series; change it")
        places = np.arange(minutes)[:, np.newaxis] + lag * np.arange(columns - 1, -1, -1)
        begins = grid.begins[places]
        is_known = begins + period > since
        return Evaluations(self, np.where(is_known, value.values[places], np.nan), begins, is_known)

    def crosses(self, points: Floats) -> NDArray[np.bool_]:
        """Return True for each point that crosses the threshold."""
        return np.asarray(_COMPARISONS[self.comparison][1](points, self.threshold), dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The evaluations of an alarm. Each has one row of points, the latest point first. NaN marks a missing point.

    `begins` has the start of the period of each point, in seconds since 1970; `is_known` is False for a point whose
    period ended before the recording began.
    """

    alarm: MetricAlarm
    points: Floats
    begins: Integers
    is_known: NDArray[np.bool_]

    def verdicts(self) -> Integers:
        """Return the verdict of each evaluation: `OK`, `ALARM`, `INSUFFICIENT_DATA` or `RETAIN`."""
        alarm, points = self.alarm, self.points
        exists = ~np.isnan(points)
        judged = exists & (np.cumsum(exists, axis=1) <= alarm.total)
        found = judged.sum(axis=1)
        bad = (judged & alarm.crosses(points)).sum(axis=1)
        if alarm.treatment == "breaching":
            missing = np.maximum(alarm.total - found - (~self.is_known[:, : alarm.total]).sum(axis=1), 0)
            return np.where(bad + missing >= alarm.needed, ALARM, np.where(found + missing > 0, OK, INSUFFICIENT_DATA))
        if alarm.treatment == "notBreaching":
            return np.where(bad >= alarm.needed, ALARM, OK)
        ages = np.where(judged, np.arange(1, points.shape[1] + 1), 0).max(axis=1)
        nothing_good = (bad == found) & (found < alarm.total)
        early = nothing_good & (found > 0) & (ages >= alarm.needed) & (alarm.treatment == "missing")
        undecided = RETAIN if alarm.treatment == "ignore" else INSUFFICIENT_DATA
        return np.where((bad >= alarm.needed) | early, ALARM, np.where(nothing_good, undecided, OK))

    def reason(self, evaluation: int) -> str:
        """Return the reason for a verdict, with the points that crossed the threshold."""
        alarm, points = self.alarm, self.points[evaluation]
        exists = ~np.isnan(points)
        judged = exists & (np.cumsum(exists) <= alarm.total)
        found = int(judged.sum())
        crossed = judged & alarm.crosses(points)
        before = int((~self.is_known[evaluation, : alarm.total]).sum())
        lost = max(alarm.total - found - before, 0)
        counts = {f"missing, treated as {alarm.treatment}": lost, "before the start": before}
        absent = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        if not found:
            return f"no data in {points.size * alarm.watched.period // MINUTE} minutes; {absent}"
        rule = f"{SYMBOLS[alarm.comparison]} {alarm.threshold:g}, {alarm.needed} of {alarm.total} needed"
        crossing = zip(self.begins[evaluation][crossed].tolist(), points[crossed].tolist(), strict=True)
        listed = ", ".join(f"{value:.4g} at {datetime.fromtimestamp(begin, UTC):%H:%M}" for begin, value in crossing)
        said = f"{crossed.sum()} of {found} points crossed ({rule})" + (f": {listed}" if listed else "")
        return f"{said}; {absent}" if absent else said


def _lines(alarm: Mapping[str, Any]) -> list[GraphedMetric]:
    """Return the lines of an alarm. All metrics have the same period; expressions get this period too."""
    lines = of_alarm(alarm)
    (period,) = {line.period for line in lines if line.metric} or {line.period for line in lines if line.visible}
    return [replace(line, period=period) for line in lines]

"""Compute the states of alarms over time, by the rules of CloudWatch.

Each alarm is evaluated every minute on periods that end with that minute, as in CloudWatch's sliding window. A new
metric value is used at once; AWS uses it a minute or two later. An alarm with N evaluation periods fetches a few points
more than N and evaluates the latest N existing points. If fewer than N points exist, TreatMissingData decides how the
missing points count. The alarm fires if M points cross the threshold. With the treatment `missing`, it also fires if
all existing points cross the threshold and the oldest of them is at least M periods old. Source: "Configuring how
CloudWatch alarms treat missing data" in the CloudWatch user guide. The tests use its tables.

Periods before the start of a recording do not count as missing points: their values are unknown. They neither fire an
alarm nor keep it from firing. A composite alarm changes in the same minute as the alarms in its rule.
"""

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from itertools import pairwise
from math import ceil
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboards.evaluate import Evaluator
from dashboards.expression import dependencies, holds, parse_rule
from dashboards.files import Files
from dashboards.graphed_metrics import GraphedMetric, of_alarm
from dashboards.project import prefix
from dashboards.series import EvaluationError, Floats, Grid, Integers, MetricStore, Series

MINUTE = 60  # seconds between two evaluations
EXTRA_POINTS = 2  # points fetched besides the N that count, as in the user guide's tables; AWS guarantees no number

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
type _Outcome = tuple[list[State], Callable[[int], str]]
"""The state in each minute, and a function that returns the reason for the state in a minute."""

STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
OK, ALARM, INSUFFICIENT_DATA, RETAIN = 0, 1, 2, 3
"""Verdicts of one evaluation. RETAIN means that the alarm keeps its previous state."""

_COMPARISONS: Mapping[str, tuple[str, Callable[[Floats, float], Any]]] = {
    "GreaterThanOrEqualToThreshold": ("≥", np.greater_equal),
    "GreaterThanThreshold": (">", np.greater),
    "LessThanOrEqualToThreshold": ("≤", np.less_equal),
    "LessThanThreshold": ("<", np.less),
}


class AlarmError(ValueError):
    """An alarm cannot be evaluated. The message names the alarm and the reason."""


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """A metric alarm. It fires if the line `watched` crosses the threshold in `needed` of the last `total` periods."""

    lines: Sequence[GraphedMetric]
    watched: GraphedMetric
    total: int
    needed: int
    comparison: str
    threshold: float
    treatment: str

    @classmethod
    def of(cls, alarm: Mapping[str, Any]) -> "MetricAlarm":
        """Return the alarm of a file that lint accepts."""
        lines = of_alarm(alarm)
        periods = {line.period for line in lines if line.metric} or {line.period for line in lines if line.visible}
        (period,) = periods  # all metrics have the same period; expressions get it too
        lines = [replace(line, period=period) for line in lines]
        (watched,) = [line for line in lines if line.visible]
        total, treatment = alarm["EvaluationPeriods"], alarm.get("TreatMissingData", "missing")
        needed = alarm.get("DatapointsToAlarm", total)
        return cls(lines, watched, total, needed, alarm["ComparisonOperator"], alarm["Threshold"], treatment)

    @property
    def limit(self) -> str:
        """The comparison and the threshold, such as `≥ 5`."""
        return f"{_COMPARISONS[self.comparison][0]} {self.threshold:,.10g}"

    def evaluate(self, store: MetricStore, first: int, minutes: int, since: float = 0.0) -> "Evaluations":
        """Evaluate each minute from `first`. `since`: start of the recording. Both are in seconds since 1970."""
        period, columns = self.watched.period, self.total + EXTRA_POINTS
        lag = period // MINUTE
        number = minutes + (columns - 1) * lag if minutes else 0
        grid = Grid(first - period * columns, number, MINUTE, period, sliding=True)
        value = Evaluator(self.lines, store, lambda _: grid).value(self.watched)
        if not isinstance(value, Series):
            raise EvaluationError(f"{self.watched.expression} does not return one series; change it")
        places = np.arange(minutes)[:, np.newaxis] + lag * np.arange(columns - 1, -1, -1)
        begins = grid.begins[places]
        is_known = begins + period > since
        return Evaluations(self, np.where(is_known, value.values[places], np.nan), begins, is_known)


class Evaluations:
    """The evaluations of an alarm. Each has one row of points, the latest point first. NaN marks a missing point.

    `begins` has the start of the period of each point, in seconds since 1970; `is_known` is False for a point whose
    period ended before the recording began.
    """

    def __init__(self, alarm: MetricAlarm, points: Floats, begins: Integers, is_known: NDArray[np.bool_]) -> None:
        exists = ~np.isnan(points)
        self.alarm, self.points, self.begins = alarm, points, begins
        self.judged = exists & (np.cumsum(exists, axis=1) <= alarm.total)
        self.crossed = self.judged & _COMPARISONS[alarm.comparison][1](points, alarm.threshold)
        known = is_known[:, : alarm.total].sum(axis=1)
        self.missing = np.maximum(known - self.judged.sum(axis=1), 0)

    def verdicts(self) -> Integers:
        """Return the verdict of each evaluation: `OK`, `ALARM`, `INSUFFICIENT_DATA` or `RETAIN`."""
        alarm, found, bad, missing = self.alarm, self.judged.sum(axis=1), self.crossed.sum(axis=1), self.missing
        if alarm.treatment == "breaching":
            return np.where(bad + missing >= alarm.needed, ALARM, np.where(found + missing > 0, OK, INSUFFICIENT_DATA))
        if alarm.treatment == "notBreaching":
            return np.where(bad >= alarm.needed, ALARM, OK)
        ages = np.where(self.judged, np.arange(1, self.points.shape[1] + 1), 0).max(axis=1)
        nothing_good = (bad == found) & (found < alarm.total)
        early = nothing_good & (found > 0) & (ages >= alarm.needed) & (alarm.treatment == "missing")
        undecided = RETAIN if alarm.treatment == "ignore" else INSUFFICIENT_DATA
        return np.where((bad >= alarm.needed) | early, ALARM, np.where(nothing_good, undecided, OK))

    def reason(self, minute: int) -> str:
        """Return the reason for a verdict, with the points that crossed the threshold."""
        alarm, crossed, found = self.alarm, self.crossed[minute], self.judged[minute].sum()
        missing = self.missing[minute]
        absent = f"; {missing} missing, treated as {alarm.treatment}" if missing else ""
        if not found:
            return f"no data in {crossed.size * alarm.watched.period // MINUTE} minutes{absent}"
        crossing = zip(self.begins[minute][crossed].tolist(), self.points[minute][crossed].tolist(), strict=True)
        listed = ", ".join(f"{value:.4g} at {datetime.fromtimestamp(begin, UTC):%H:%M}" for begin, value in crossing)
        said = f"{crossed.sum()} of {found} points crossed ({alarm.limit}, {alarm.needed} of {alarm.total} needed)"
        return said + (f": {listed}" if listed else "") + absent


class Stretch(NamedTuple):
    """The time from `begin` to `end` (seconds since 1970) in which an alarm has one state, and the reason for it."""

    begin: int
    end: int
    state: State
    reason: str


class Timeline(NamedTuple):
    """An alarm with its state in each minute. `stretches` groups consecutive minutes of one state."""

    name: str
    alarm: Mapping[str, Any]
    states: Sequence[State]
    stretches: Sequence[Stretch]

    @property
    def state(self) -> State:
        """The state in the last minute."""
        return self.states[-1] if self.states else "INSUFFICIENT_DATA"


def timelines_of(files: Files, store: MetricStore, start: float, end: float) -> dict[str, Timeline]:
    """Return the timelines of all alarms and composites, by file name, from the minute that contains `start`.

    Raises `AlarmError`, which names the alarm that cannot be evaluated.
    """
    first = int(start // MINUTE) * MINUTE
    minutes = max(0, ceil((end - first) / MINUTE))
    since, _ = store.span() or (0.0, 0.0)
    found, name = dict[str, _Outcome](), ""
    try:
        for name, alarm in files.alarms.items():
            found[name] = _metric_states(MetricAlarm.of(alarm).evaluate(store, first, minutes, since))
        below = {
            name: {each.removeprefix(prefix(files.stage)) for each in dependencies(body)}
            for name, body in files.composites.items()
        }
        for name in TopologicalSorter(below).static_order():
            if name in below:
                states = {f"{prefix(files.stage)}{each}": found[each][0] for each in sorted(below[name])}
                found[name] = _composite_states(parse_rule(files.composites[name]["AlarmRule"]), states, minutes)
    except (KeyError, ValueError) as error:
        why = f"{error!r}" if isinstance(error, KeyError) else str(error)
        advice = "run `python -m dashboards lint`, which says what to write"
        raise AlarmError(f"alarm {name} cannot be evaluated: {why}; {advice}") from error
    return {
        name: Timeline(name, alarm, found[name][0], _stretches(first, *found[name]))
        for name, alarm in (files.alarms | files.composites).items()
    }


def _metric_states(evaluations: Evaluations) -> _Outcome:
    states: list[State] = ["INSUFFICIENT_DATA"]  # before the first minute
    for verdict in evaluations.verdicts().tolist():
        states.append(STATES[verdict] if verdict != RETAIN else states[-1])
    return states[1:], evaluations.reason


def _composite_states(rule: ast.expr, children: Mapping[str, Sequence[State]], minutes: int) -> _Outcome:
    """Return the states of a composite. `children` has the states of the alarms that its rule names."""
    courses = [{name: course[minute] for name, course in children.items()} for minute in range(minutes)]
    states: list[State] = ["ALARM" if holds(rule, course.__getitem__) else "OK" for course in courses]

    def reason(minute: int) -> str:
        firing = ", ".join(child for child, state in courses[minute].items() if state == "ALARM")
        text = f"in ALARM: {firing}" if firing else "none of its alarms is in ALARM"
        return text if states[minute] == "ALARM" else f"the rule does not hold; {text}"

    return states, reason


def _stretches(first: int, states: Sequence[State], reason: Callable[[int], str]) -> list[Stretch]:
    minutes = [minute for minute, state in enumerate(states) if not minute or state != states[minute - 1]]
    return [
        Stretch(first + begin * MINUTE, first + end * MINUTE, states[begin], reason(begin))
        for begin, end in pairwise([*minutes, len(states)])
    ]

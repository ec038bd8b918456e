"""Compute the states of alarms over time, by the rules of CloudWatch, and describe alarms for the page.

Each alarm is evaluated every minute on periods that end with that minute, as in CloudWatch's sliding window. The
preview uses a new metric value at once; AWS uses it a minute or two later. A composite alarm changes in the same minute
as the alarms in its rule.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise
from math import ceil, inf
from typing import Any, Literal, NamedTuple

from dashboards.expression import dependencies, holds, parse_rule
from dashboards.files import Files
from dashboards.preview.metric_alarm import MINUTE, RETAIN, SYMBOLS, AlarmError, MetricAlarm
from dashboards.preview.recording import Incident
from dashboards.project import SERVICE, STAGE_VARIABLE, alarm_of, prefix
from dashboards.series import EvaluationError, MetricStore

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
type _Outcome = tuple[list[State], Callable[[int], str]]
"""The state in each minute, and a function that returns the reason for the state in a minute."""

_STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")  # indexed by the verdicts of metric_alarm.py
_URGENCY: tuple[State, ...] = ("ALARM", "INSUFFICIENT_DATA", "OK")
_RUNBOOK = re.compile(r"\s*What to do: (\S+)\s*$")
_NAME = re.compile(rf'"?{SERVICE}-[a-z0-9]+-([a-z0-9-]+)"?')
_GAP = 15 * 60
"""Seconds. An alarm that fires at most this long after the previous alarm belongs to the same incident."""
_LOOK = 5 * 60
"""Seconds. The link to an incident shows the time until this long after the first alarm."""


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
    start_of_names = prefix(files.stage)
    since, _ = store.span() or (0.0, 0.0)
    found = {
        name: _metric_states(MetricAlarm.of(name, alarm), store, first, minutes, since)
        for name, alarm in files.alarms.items()
    }
    try:
        rules = {name: parse_rule(composite["AlarmRule"]) for name, composite in files.composites.items()}
        below = {
            name: sorted(each.removeprefix(start_of_names) for each in dependencies(composite))
            for name, composite in files.composites.items()
        }
        for name in TopologicalSorter(below).static_order():
            if name in rules:
                states = {f"{start_of_names}{each}": found[each][0] for each in below[name]}
                found[name] = _composite_states(rules[name], states, minutes)
            elif name not in found:
                raise AlarmError(f"a composite alarm refers to {name}, which is not an alarm of stage {files.stage}")
    except AlarmError:
        raise
    except (KeyError, ValueError) as error:  # such as rules that refer to one another in a cycle
        reason = f"{error}; run `python -m dashboards lint`, which says what to write"
        raise AlarmError(f"a composite alarm is invalid: {reason}") from error
    return {
        name: Timeline(name, alarm, found[name][0], _stretches(first, *found[name]))
        for name, alarm in (files.alarms | files.composites).items()
    }


def _metric_states(alarm: MetricAlarm, store: MetricStore, first: int, minutes: int, since: float) -> _Outcome:
    try:
        evaluations = alarm.evaluate(store, first, minutes, since)
    except EvaluationError as error:
        raise AlarmError(f"alarm {alarm.name}: {error}") from error
    states: list[State] = ["INSUFFICIENT_DATA"]  # before the first minute
    for verdict in evaluations.verdicts().tolist():
        states.append(_STATES[verdict] if verdict != RETAIN else states[-1])
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


# What the page shows


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
        "rule": describe_rule(timeline.name, timeline.alarm),
        "reason": stretches[-1]["reason"] if stretches else "",
        "runbook": runbook[1] if runbook else None,
        "periods": stretches,
    }


def incidents_of(timelines: Mapping[str, Timeline]) -> list[Incident]:
    """Group metric alarms that fired at about the same time into incidents. Return the incidents in order of time."""
    fired = sorted(
        (stretch.begin, name)
        for name, timeline in timelines.items()
        if "AlarmRule" not in timeline.alarm
        for stretch in timeline.stretches
        if stretch.state == "ALARM"
    )
    incidents: list[Incident] = []
    for (before, _), (begin, name) in pairwise([(-inf, ""), *fired]):
        if begin <= before + _GAP:
            incidents[-1] = incidents[-1]._replace(title=f"{incidents[-1].title}, {name}")
        else:
            incidents.append(Incident(begin, name, begin + _LOOK))
    return incidents


def urgency(timeline: Timeline) -> tuple[int, int]:
    """Return a sort key: by state, ALARM first and OK last, then by minutes in ALARM, the most first."""
    return _URGENCY.index(timeline.state), -timeline.states.count("ALARM")


def count_states(timelines: Mapping[str, Timeline], names: Sequence[str]) -> dict[State, int]:
    """Return how many of the named alarms are in each state. Ignore names without a timeline."""
    found = [timelines[name].state for name in names if name in timelines]
    return {state: found.count(state) for state in _URGENCY}


def describe_rule(name: str, alarm: Mapping[str, Any]) -> str:
    """Return the condition of an alarm as one line: metric, threshold, period, and number of periods."""
    if rule := alarm.get("AlarmRule"):
        return _shorten(rule)
    parsed = MetricAlarm.of(name, alarm)
    line, metric = parsed.watched, parsed.watched.metric
    what = line.label or line.id or (metric and f"{line.stat} of {metric.name}")
    times = f" in {parsed.needed} of {parsed.total}" if parsed.total > 1 else ""
    limit = f"{SYMBOLS[parsed.comparison]} {parsed.threshold:,.10g}"
    length = f"{line.period // 60} min" if line.period % 3600 else f"{line.period // 3600} h"
    return f"{what} {limit}, {length} a point{times}"


def alarms_of(body: Mapping[str, Any], stage: str) -> list[str]:
    """Return the file names of the alarms on a dashboard, in the dashboard's order."""
    arns = [arn for widget in body["widgets"] if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    return [alarm_of(arn.replace(STAGE_VARIABLE, stage), stage) for arn in arns]


def _shorten(text: str) -> str:
    """Replace each name of a deployed alarm in a text with the alarm's file name."""
    return _NAME.sub(r"\1", text)

"""Compute the states of alarms over time, by the rules of CloudWatch, and the reasons for the states.

Each alarm is evaluated every minute on periods that end with that minute, as in CloudWatch's sliding window. The
preview uses a new metric value at once; AWS uses it a minute or two later. A composite alarm changes in the same minute
as the alarms in its rule.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from math import ceil
from typing import Any, Literal

from cloudwatch.files import Files
from cloudwatch.preview.metric_alarm import MINUTE, AlarmError, MetricAlarm
from cloudwatch.preview.metric_store import MetricStore
from cloudwatch.preview.values import EvaluationError
from cloudwatch.project import prefix
from cloudwatch.syntax.boolean import holds
from cloudwatch.syntax.graphed_metrics import GraphedMetricsError
from cloudwatch.syntax.rule import Constant, InState, Rule, RuleError, alarms_in, parse_rule

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
type _Outcome = tuple[list[State], Callable[[int], str]]
"""The state in each minute, and a function that returns the reason for the state in a minute."""

_STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")  # indexed by the verdicts of missing_data.py


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time from `begin` to `end` (seconds since 1970) in which an alarm has one state, and the reason for it."""

    begin: int
    end: int
    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Timeline:
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

    Raises:
        AlarmError: an alarm cannot be evaluated; the message names it.
    """
    first = int(start // MINUTE) * MINUTE
    minutes = max(0, ceil((end - first) / MINUTE))
    found = {name: _metric_states(name, alarm, store, first, minutes) for name, alarm in files.alarms.items()}
    rules = {name: _parse(name, composite, files) for name, composite in files.composites.items()}
    children = {name: [_file_name(each, files) for each in alarms_in(rule)] for name, rule in rules.items()}
    try:
        order = list(TopologicalSorter(children).static_order())
    except CycleError as error:
        cycle = error.args[1]
        raise AlarmError(f"composite {cycle[0]} depends on itself: {' → '.join(reversed(cycle))}") from None
    for name in order:
        if name in rules:
            below = {deployed: found[_file_name(deployed, files)][0] for deployed in alarms_in(rules[name])}
            found[name] = _composite_states(rules[name], below, minutes)
    return {
        name: Timeline(name, alarm, found[name][0], _stretches(first, *found[name]))
        for name, alarm in (files.alarms | files.composites).items()
    }


def _parse(name: str, composite: Mapping[str, Any], files: Files) -> Rule:
    """Parse the rule of a composite. Raises `AlarmError`."""
    try:
        rule = parse_rule(composite["AlarmRule"])
    except RuleError as error:
        raise AlarmError(f"composite {name}: {error}") from error
    for deployed in alarms_in(rule):
        if _file_name(deployed, files) not in files.alarms | files.composites:
            raise AlarmError(
                f"composite alarm {name} refers to {deployed}, which is not an alarm of stage {files.stage}"
            )
    return rule


def _file_name(deployed: str, files: Files) -> str:
    return deployed.removeprefix(prefix(files.stage))


def _metric_states(name: str, alarm: Mapping[str, Any], store: MetricStore, first: int, minutes: int) -> _Outcome:
    try:
        evaluations = MetricAlarm.of(name, alarm).evaluate(store, first, minutes)
    except (EvaluationError, GraphedMetricsError) as error:
        raise AlarmError(f"alarm {name}: {error}") from error
    states: list[State] = []
    state: State = "INSUFFICIENT_DATA"
    for verdict in evaluations.verdicts.tolist():
        state = _STATES[verdict] if verdict < len(_STATES) else state
        states.append(state)
    return states, evaluations.reason


def _composite_states(rule: Rule, children: Mapping[str, Sequence[State]], minutes: int) -> _Outcome:
    """Return the states of a composite. `children` has the states of the alarms that its rule names."""

    def state(minute: int) -> State:
        def leaf_holds(leaf: object) -> bool:
            if isinstance(leaf, InState):
                return children[leaf.alarm][minute] == leaf.state
            return isinstance(leaf, Constant) and leaf.value

        return "ALARM" if holds(rule, leaf_holds) else "OK"

    states = [state(minute) for minute in range(minutes)]

    def reason(minute: int) -> str:
        firing = ", ".join(child for child, course in children.items() if course[minute] == "ALARM")
        text = f"in ALARM: {firing}" if firing else "none of its alarms is in ALARM"
        return text if states[minute] == "ALARM" else f"the rule does not hold; {text}"

    return states, reason


def _stretches(first: int, states: Sequence[State], reason: Callable[[int], str]) -> list[Stretch]:
    minutes = [minute for minute, state in enumerate(states) if not minute or state != states[minute - 1]]
    return [
        Stretch(first + begin * MINUTE, first + end * MINUTE, states[begin], reason(begin))
        for begin, end in pairwise([*minutes, len(states)])
    ]

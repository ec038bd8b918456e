"""Compute the states of alarms over time, as CloudWatch would have set them, and the reasons.

Each alarm is evaluated every minute on periods that end with that minute, as CloudWatch's sliding window does. Metrics
count at once; in AWS they arrive after a minute or two. Composite alarms follow in the same minute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from cloudwatch.files import Files
from cloudwatch.preview.metric_alarm import MINUTE, AlarmError, MetricAlarm
from cloudwatch.preview.metric_store import MetricStore
from cloudwatch.preview.values import EvaluationError
from cloudwatch.project import prefix
from cloudwatch.syntax.boolean import And, Not, Or
from cloudwatch.syntax.graphed_metrics import GraphedMetricsError
from cloudwatch.syntax.rule import Constant, InState, Rule, RuleError, alarms_in, parse_rule

__all__ = ["MINUTE", "AlarmError", "Change", "History", "State", "histories", "states"]

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
type _Reason = tuple[str, tuple[tuple[int, float], ...]]

_STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")  # in the order of the verdicts of missing_data.py


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state at `at` (seconds since 1970), with the points that crossed the threshold: (begin, value)."""

    at: int
    state: State
    reason: str
    crossed: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The states of an alarm, one per minute from `start`, and the changes. The first change is at `start`."""

    start: int
    states: Sequence[State]
    changes: Sequence[Change]


def states(files: Files, store: MetricStore, start: float, end: float) -> dict[str, list[State]]:
    """Return the states of every alarm and composite by file name, one per minute from the minute of `start`.

    Raises:
        AlarmError: an alarm cannot be evaluated; the message names it.
    """
    return {name: list(history.states) for name, history in histories(files, store, start, end).items()}


def histories(files: Files, store: MetricStore, start: float, end: float) -> dict[str, History]:
    """Return the same as `states`, with the changes and their reasons."""
    first = int(start // MINUTE) * MINUTE
    minutes = max(0, ceil((end - first) / MINUTE))
    found = {name: _metric_alarm_history(name, alarm, store, first, minutes) for name, alarm in files.alarms.items()}
    deployed_prefix = prefix(files.stage)
    rules = {name: _parse(name, composite) for name, composite in files.composites.items()}

    def add_composite(name: str, parents: tuple[str, ...]) -> History:
        """Compute a composite after its children. `parents` are the composites that led here."""
        if name in parents:
            raise AlarmError(f"composite {name} depends on itself: {' → '.join((*parents, name))}")
        if name not in found:
            children: dict[str, History] = {}
            for deployed in alarms_in(rules[name]):
                child = deployed.removeprefix(deployed_prefix)
                if child not in rules and child not in found:
                    unknown = f"{deployed}, which is not an alarm of stage {files.stage}"
                    raise AlarmError(f"composite alarm {name} refers to {unknown}")
                children[deployed] = found[child] if child in found else add_composite(child, (*parents, name))
            found[name] = _composite_history(rules[name], children, first, minutes)
        return found[name]

    for name in rules:
        add_composite(name, ())
    return found


def _metric_alarm_history(name: str, alarm: Mapping[str, Any], store: MetricStore, first: int, minutes: int) -> History:
    try:
        evaluations = MetricAlarm.of(name, alarm).evaluate(store, first, minutes)
    except (EvaluationError, GraphedMetricsError) as error:
        raise AlarmError(f"alarm {name}: {error}") from error
    found: list[State] = []
    state: State = "INSUFFICIENT_DATA"
    for verdict in evaluations.verdicts.tolist():
        state = _STATES[verdict] if verdict < len(_STATES) else state
        found.append(state)
    return _history(first, found, evaluations.reason)


def _composite_history(rule: Rule, children: Mapping[str, History], first: int, minutes: int) -> History:
    held = [_holds(rule, minute, children) for minute in range(minutes)]

    def reason(minute: int) -> _Reason:
        firing = [name for name, child in children.items() if child.states[minute] == "ALARM"]
        text = f"in ALARM: {', '.join(firing)}" if firing else "none of its alarms is in ALARM"
        return text if held[minute] else f"the rule does not hold; {text}", ()

    return _history(first, ["ALARM" if holds else "OK" for holds in held], reason)


def _holds(rule: Rule, minute: int, children: Mapping[str, History]) -> bool:
    match rule:
        case Constant(value=value):
            return value
        case Not(operand=inner):
            return not _holds(inner, minute, children)
        case And(operands=rules):
            return all(_holds(each, minute, children) for each in rules)
        case Or(operands=rules):
            return any(_holds(each, minute, children) for each in rules)
        case InState(state=state, alarm=alarm):
            return children[alarm].states[minute] == state


def _parse(name: str, composite: Mapping[str, Any]) -> Rule:
    try:
        return parse_rule(composite["AlarmRule"])
    except RuleError as error:
        raise AlarmError(f"composite {name}: {error}") from error


def _history(first: int, found: list[State], reason: Callable[[int], _Reason]) -> History:
    changes = [
        Change(first + minute * MINUTE, state, *reason(minute))
        for minute, state in enumerate(found)
        if not minute or state != found[minute - 1]
    ]
    return History(first, found, changes)

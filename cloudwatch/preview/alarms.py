"""The states of alarms over time, as CloudWatch would have set them, and why.

Alarms are evaluated every minute, on periods that end with that minute: CloudWatch's evaluation window slides. Metrics
are taken to be there at once, which in AWS they are after a minute or two. Composites follow in the same minute.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

from cloudwatch.files import Files
from cloudwatch.preview.series import Store
from cloudwatch.preview.values import EvaluationError
from cloudwatch.preview.watch import MINUTE, AlarmError, Watch
from cloudwatch.project import prefix
from cloudwatch.syntax.boolean import And, Not, Or
from cloudwatch.syntax.graphed_metrics import GraphedMetricsError
from cloudwatch.syntax.rule import Constant, InState, Rule, RuleError, alarms_in, parse_rule

__all__ = ["MINUTE", "AlarmError", "Change", "History", "State", "histories", "states"]

type State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]

_STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")  # in the order of the verdicts of `missing.judge`


@dataclass(frozen=True, slots=True)
class Change:
    """The state from `at` on (seconds since 1970), and why; `crossed` are the points that did, (begin, value)."""

    at: int
    state: State
    reason: str
    crossed: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """An alarm's states, one each minute from `start`, and the changes between them; the first one is the start."""

    start: int
    states: Sequence[State]
    changes: Sequence[Change]


def states(files: Files, store: Store, start: float, end: float) -> dict[str, list[State]]:
    """The states of every alarm and composite by file name, one each minute from the one that `start` is in.

    Raises:
        AlarmError: one of them cannot be evaluated; the message names it.
    """
    return {name: list(history.states) for name, history in histories(files, store, start, end).items()}


def histories(files: Files, store: Store, start: float, end: float) -> dict[str, History]:
    """The same with what changed and why."""
    first = int(start // MINUTE) * MINUTE
    minutes = max(0, ceil((end - first) / MINUTE))
    found = {name: _of_metrics(name, alarm, store, first, minutes) for name, alarm in files.alarms.items()}
    start_of_names = prefix(files.stage)
    rules = {name: _rule(name, composite) for name, composite in files.composites.items()}

    def of_composite(name: str, above: tuple[str, ...]) -> History:
        """The history of a composite, after those that its rule names; `above` are those whose rules led here."""
        if name in above:
            raise AlarmError(f"composite {name} depends on itself: {' → '.join((*above, name))}")
        if name not in found:
            children: dict[str, History] = {}
            for deployed in alarms_in(rules[name]):
                child = deployed.removeprefix(start_of_names)
                if child not in rules and child not in found:
                    raise AlarmError(f"composite {name} names {deployed}, which is no alarm of stage {files.stage}")
                children[deployed] = found[child] if child in found else of_composite(child, (*above, name))
            found[name] = _of_rule(rules[name], children, first, minutes)
        return found[name]

    for name in rules:
        of_composite(name, ())
    return found


def _of_metrics(name: str, alarm: Mapping[str, Any], store: Store, first: int, minutes: int) -> History:
    try:
        sight = Watch.of(name, alarm).look(store, first, minutes)
    except (EvaluationError, GraphedMetricsError) as error:
        raise AlarmError(f"alarm {name}: {error}") from error
    found: list[State] = []
    state: State = "INSUFFICIENT_DATA"
    for verdict in sight.verdicts.tolist():
        state = _STATES[verdict] if verdict < len(_STATES) else state
        found.append(state)
    return _history(first, found, sight.reason)


def _of_rule(rule: Rule, children: Mapping[str, History], first: int, minutes: int) -> History:
    held = [_holds(rule, minute, children) for minute in range(minutes)]

    def reason(minute: int) -> tuple[str, tuple[tuple[int, float], ...]]:
        firing = [name for name, child in children.items() if child.states[minute] == "ALARM"]
        told = f"in ALARM: {', '.join(firing)}" if firing else "none of its alarms is in ALARM"
        return told if held[minute] else f"the rule does not hold; {told}", ()

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


def _rule(name: str, composite: Mapping[str, Any]) -> Rule:
    try:
        return parse_rule(composite["AlarmRule"])
    except RuleError as error:
        raise AlarmError(f"composite {name}: {error}") from error


def _history(
    first: int, found: list[State], reason: "Callable[[int], tuple[str, tuple[tuple[int, float], ...]]]"
) -> History:
    changes = [
        Change(first + minute * MINUTE, state, *reason(minute))
        for minute, state in enumerate(found)
        if not minute or state != found[minute - 1]
    ]
    return History(first, found, changes)

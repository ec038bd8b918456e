"""Composite alarms: rules that can be read, alarms that exist, no circle, and nobody left that wakes nobody."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cloudwatch.files import STAGE_VARIABLE, prefix
from cloudwatch.lint import structure
from cloudwatch.lint.alarm import common_problems
from cloudwatch.lint.circles import in_circle
from cloudwatch.lint.finding import Finding, instead
from cloudwatch.syntax.rule import RuleError, asked_by

MOST_CHILDREN = 100
_SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


def check(
    composites: Mapping[str, tuple[str, dict[str, Any]]], alarms: Mapping[str, tuple[str, dict[str, Any]]]
) -> Iterator[Finding]:
    """What is wrong with the composites, and with alarms that none asks for. Both by name, with file and body."""
    known = {prefix(STAGE_VARIABLE) + name for name in [*alarms, *composites]}
    asked: dict[str, set[str]] = {}
    for name, (file, body) in composites.items():
        errors = list(structure.request_errors("PutCompositeAlarm", body))
        if not errors:
            try:
                asked[prefix(STAGE_VARIABLE) + name] = asked_by(body)
                errors += _problems(body, known)
            except RuleError as error:
                errors.append(f"AlarmRule: {error}")
            errors += common_problems(name, body)
        yield from (Finding(file, "", error) for error in errors)
    for name in in_circle(asked):
        file, _ = composites[name.removeprefix(prefix(STAGE_VARIABLE))]
        circle = "it asks for itself by way of other composites; CloudWatch evaluates no circle"
        yield Finding(file, "AlarmRule", circle)
    if len(asked) == len(composites):  # of a rule that cannot be read nobody knows whom it hears
        yield from _unheard({**alarms, **composites}, {name for names in asked.values() for name in names})


def _unheard(files: Mapping[str, tuple[str, dict[str, Any]]], heard: Collection[str]) -> Iterator[Finding]:
    for name, (file, body) in files.items():
        if prefix(STAGE_VARIABLE) + name not in heard and not body.get("AlarmActions"):
            yield Finding(file, "", 'nobody hears it: no composite asks for it and it has no "AlarmActions"; add one')


def _problems(body: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    asked = asked_by(body)
    for name in sorted(asked - known):
        yield f'no file makes an alarm "{name}"; {instead(name, known)}'
    if len(asked) > MOST_CHILDREN:
        yield f"AlarmRule asks for {len(asked)} alarms, at most {MOST_CHILDREN} are taken; put some in another"
    given = [key for key in _SUPPRESSOR if key in body]
    if given and len(given) < len(_SUPPRESSOR):
        yield f"{', '.join(_SUPPRESSOR)} belong together; only {', '.join(given)} is there"

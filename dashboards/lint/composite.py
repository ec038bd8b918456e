"""Composite alarms: rules that can be read, alarms that exist, no circle, and nobody left that wakes nobody."""

from collections.abc import Iterator, Mapping
from typing import Any

from dashboards.files import STAGE_VARIABLE, prefix
from dashboards.lint import structure
from dashboards.lint.alarm import common_problems
from dashboards.lint.circles import in_circle
from dashboards.lint.finding import Finding, instead
from dashboards.rule import RuleError, alarms_of, parse_rule

MOST_CHILDREN = 100
_SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


def check(
    composites: Mapping[str, tuple[str, dict[str, Any]]], alarms: Mapping[str, tuple[str, dict[str, Any]]]
) -> Iterator[Finding]:
    """What is wrong with the composites, and with alarms that none asks for. Both by name, with file and body."""
    known = {prefix(STAGE_VARIABLE) + name for name in [*alarms, *composites]}
    asked: dict[str, set[str]] = {}
    for name, (file, body) in composites.items():
        errors = [*structure.request_errors("PutCompositeAlarm", body), *common_problems(name, body)]
        asked[prefix(STAGE_VARIABLE) + name] = children(body)
        if not errors:
            errors += _problems(body, known)
        yield from (Finding(file, "", error) for error in errors)
    for name in in_circle(asked):
        file, _ = composites[name.removeprefix(prefix(STAGE_VARIABLE))]
        yield Finding(
            file, "AlarmRule", "it asks for itself by way of other composites; CloudWatch evaluates no circle"
        )
    heard = {name for names in asked.values() for name in names}
    for file, body in [*alarms.values(), *composites.values()]:
        if body.get("AlarmName") not in heard and not body.get("AlarmActions"):
            yield Finding(file, "", 'nobody hears it: no composite asks for it and it has no "AlarmActions"; add one')


def children(body: Mapping[str, Any]) -> set[str]:
    """Names of the alarms that a composite depends on; none if its rule cannot be read."""
    try:
        rule = set(alarms_of(parse_rule(str(body.get("AlarmRule", "")))))
    except RuleError:
        return set()
    return rule | ({body["ActionsSuppressor"]} if "ActionsSuppressor" in body else set())


def _problems(body: Mapping[str, Any], known: set[str]) -> Iterator[str]:
    try:
        parse_rule(body["AlarmRule"])
    except RuleError as error:
        yield f"AlarmRule: {error}"
        return
    asked = children(body)
    for name in sorted(asked - known):
        yield f'no file makes an alarm "{name}"; {instead(name, known)}'
    if len(asked) > MOST_CHILDREN:
        yield f"AlarmRule asks for {len(asked)} alarms, at most {MOST_CHILDREN} are taken; put some in another"
    given = [key for key in _SUPPRESSOR if key in body]
    if given and len(given) < len(_SUPPRESSOR):
        yield f"{', '.join(_SUPPRESSOR)} belong together; only {', '.join(given)} is there"

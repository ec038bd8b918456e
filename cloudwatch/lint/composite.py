"""Check composite alarms and their rules, and check that every alarm notifies someone."""

from collections.abc import Iterator, Mapping
from typing import Any

from cloudwatch.lint import structure
from cloudwatch.lint.alarm import common_problems
from cloudwatch.lint.cycles import in_cycle
from cloudwatch.lint.finding import Finding, suggest
from cloudwatch.project import STAGE_VARIABLE, prefix
from cloudwatch.syntax.rule import RuleError, dependencies

MOST_CHILDREN = 100
_SUPPRESSOR = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_PREFIX = prefix(STAGE_VARIABLE)

type Bodies = Mapping[str, tuple[str, dict[str, Any]]]
"""Alarms by name, each with its file and its parameters."""


def check(composites: Bodies, alarms: Bodies) -> Iterator[Finding]:
    """Yield findings for composites, and for alarms that notify no one."""
    known = {_PREFIX + name for name in [*alarms, *composites]}
    children: dict[str, set[str]] = {}
    for name, (file, body) in composites.items():
        errors = list(structure.request_errors("PutCompositeAlarm", body))
        if not errors:
            try:
                children[_PREFIX + name] = dependencies(body)
                errors += _problems(body, children[_PREFIX + name], known)
            except RuleError as error:
                errors.append(f"AlarmRule: {error}")
            errors += common_problems(name, body)
        yield from (Finding(file, "", error) for error in errors)
    for name in in_cycle(children):
        file, _ = composites[name.removeprefix(_PREFIX)]
        yield Finding(
            file,
            "AlarmRule",
            "the rule depends on itself through other composites; CloudWatch refuses cycles; change one of the rules",
        )
    if len(children) < len(composites):
        return  # A rule that cannot be parsed may name any alarm.
    named = set().union(*children.values())
    for name, (file, body) in {**alarms, **composites}.items():
        if _PREFIX + name not in named and not body.get("AlarmActions"):
            yield Finding(
                file,
                "",
                'no composite names this alarm and it has no "AlarmActions", so it notifies no one; '
                'name it in a composite, or add "AlarmActions"',
            )


def _problems(body: Mapping[str, Any], children: set[str], known: set[str]) -> Iterator[str]:
    for name in sorted(children - known):
        yield f'no file defines an alarm "{name}"; {suggest(name, known)}'
    if len(children) > MOST_CHILDREN:
        yield f"AlarmRule names {len(children)} alarms, but at most {MOST_CHILDREN} are allowed; split the composite"
    given = [key for key in _SUPPRESSOR if key in body]
    if given and len(given) < len(_SUPPRESSOR):
        yield f"only {', '.join(given)} is set; set all of {', '.join(_SUPPRESSOR)}, or none of them"

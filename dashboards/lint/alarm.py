"""Check alarms against CloudWatch's rules and the project's rules.

Composite alarms are checked together, since their rules name other alarms. Every alarm has to notify someone.
"""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from dashboards.evaluate import kind
from dashboards.expression import ParseError, dependencies
from dashboards.graphed_metrics import GraphedMetricsError, of_alarm
from dashboards.lint import LintFinding, structure_errors, suggest
from dashboards.lint.known_metrics import Graph, Reference
from dashboards.project import STAGE_VARIABLE, prefix

HOUR, DAY, WEEK = 3600, 86_400, 604_800
_PREFIX = prefix(STAGE_VARIABLE)
type Bodies = Mapping[str, tuple[str, dict[str, Any]]]
"""Alarms by name, each with its file and its parameters."""


def links_in(text: str) -> set[str]:
    """Return the sections of the runbook that a text links to."""
    return set(re.findall(r"RUNBOOKURL#([\w-]+)", text))


class AlarmCheck:
    """Checks one alarm. `findings` has its problems, and `references` has the metrics that it names."""

    def __init__(self, file: str, name: str, body: dict[str, Any]) -> None:
        self.file, self.body = file, body
        self.references: list[Reference] = []
        errors = list(structure_errors(body, "alarm")) or [*_common_problems(name, body), *self._problems()]
        self.findings = [LintFinding(file, "", message) for message in errors]

    def _problems(self) -> Iterator[str]:
        body = self.body
        try:
            entries = of_alarm(body)
        except GraphedMetricsError as error:
            yield f"Metrics: {error}"
            return
        graph, watched = Graph(entries), [entry for entry in entries if entry.visible]
        self.references = list(graph.references(self.file, "Metrics"))
        yield from graph.problems()
        if len(watched) != 1:
            ids = ", ".join(str(entry.id) for entry in watched) or "none"
            what = '"ReturnData": true for the entry that the alarm watches, and false for all others'
            yield f"Metrics has {len(watched)} entries that return data ({ids}); write {what}"
        for entry in entries:
            returned = kind(graph.values.get(entry.row, ()))
            if entry.visible and entry.row in graph.values and returned != "TS":
                what = "a number (S), a time series (TS) or several (TS[])"
                yield f"{entry.title} returns {returned}, but an alarm watches one TS; change it: an entry is {what}"
            if entry.expression and "SEARCH" in entry.expression:
                yield f"{entry.title}: alarms do not support SEARCH; list the metrics instead"
        periods = sorted({entry.period for entry in entries if entry.metric})
        if len(periods) > 1:
            yield f"Metrics has the periods {', '.join(map(str, periods))}; give all metrics the same period"
        period, count = max(periods, default=60), body["EvaluationPeriods"]
        if body.get("DatapointsToAlarm", 1) > count:
            yield "DatapointsToAlarm exceeds EvaluationPeriods; write at most the number of EvaluationPeriods"
        if (window := period * count) > (most := WEEK if period >= HOUR else DAY):
            what = f"at most {most:,} s are allowed for a period of {period} s; lower EvaluationPeriods"
            yield f"Period × EvaluationPeriods is {window:,} s, but {what}"


def _common_problems(name: str, body: dict[str, Any]) -> Iterator[str]:
    """Yield the problems of the keys that metric alarms and composite alarms share."""
    if body.get("AlarmName") != _PREFIX + name:
        what = f"remove it, since the template sets {_PREFIX}{name} from the file name"
        yield f"AlarmName is {body.get('AlarmName')!r}; {what}"
    if name not in links_in(body.get("AlarmDescription", "")):
        yield f"AlarmDescription does not link to the runbook; write what the alarm means, and link RUNBOOKURL#{name}"


def composite_findings(composites: Bodies, alarms: Bodies) -> Iterator[LintFinding]:
    """Yield findings for composites, and for alarms that notify no one."""
    known = {_PREFIX + name for name in [*alarms, *composites]}
    children: dict[str, set[str]] = {}
    for name, (file, body) in composites.items():
        errors = list(structure_errors(body, "composite"))
        if not errors:
            try:
                children[_PREFIX + name] = named = dependencies(body)
                unknown = sorted(named - known)
                errors += [f'no file defines an alarm "{each}"; {suggest(each, known)}' for each in unknown]
            except ParseError as error:
                errors.append(f"AlarmRule: {error}")
            errors += _common_problems(name, body)
        yield from (LintFinding(file, "", error) for error in errors)
    try:
        TopologicalSorter(children).prepare()
    except CycleError as error:
        names = sorted({str(name).removeprefix(_PREFIX) for name in error.args[1]})
        what = f"{', '.join(names)} depend on one another; CloudWatch refuses cycles; change one of the rules"
        yield LintFinding(composites[names[0]][0], "AlarmRule", what)
    if len(children) < len(composites):
        return  # A rule that cannot be parsed may name any alarm.
    named = set().union(*children.values())
    for name, (file, body) in {**alarms, **composites}.items():
        if _PREFIX + name not in named and not body.get("AlarmActions"):
            why = 'no composite names this alarm and it has no "AlarmActions", so it notifies no one'
            yield LintFinding(file, "", f'{why}; name it in a composite, or add "AlarmActions"')

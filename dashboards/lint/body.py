"""Check the body of one dashboard or alarm against CloudWatch's rules and the project's rules.

Composite alarms are checked together, since their rules name other alarms. Every alarm has to notify someone.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from dashboards.evaluate import kind
from dashboards.expression import ParseError, dependencies
from dashboards.graphed_metrics import GraphedMetricsError, expand, of_alarm
from dashboards.lint import LintFinding, query, structure_errors, suggest
from dashboards.lint.known_metrics import Graph, Reference
from dashboards.project import STAGE_VARIABLE, alarm_of, belongs_to_tier, prefix

_PREFIX = prefix(STAGE_VARIABLE)
_LINK = re.compile(rf"#dashboards[:/](?:dashboard/|name=){_PREFIX}([\w-]+)")
"""Matches a link to another dashboard in the console. The group is the file name of that dashboard, with `_REGION`."""
_REGION = "-REGIONNAME"

COLUMNS = 24
"""Columns of the grid on which widgets are placed."""
MOST_METRICS = 2500
"""Maximum number of metrics in all graphs of a dashboard, including hidden metrics (CloudWatch service quotas)."""
MOST_BYTES = 1_000_000
"""Maximum size of a body in a request to CloudWatch and in a CloudFormation template."""


class DashboardCheck:
    """Checks one dashboard. `findings` has its problems, and `references` has the metrics that it names."""

    def __init__(self, file: str, body: dict[str, Any]) -> None:
        self.file = file
        self.findings: list[LintFinding] = []
        self.references: list[Reference] = []
        self._named: list[tuple[str, str, str]] = []
        """What widgets show or link to: the widget, `alarm` or `dashboard`, and its name."""
        self._taken: dict[tuple[int, int], str] = {}
        """The cells of the grid, each with the widget that is there."""
        self._metrics = 0
        self._add("", structure_errors(body, "dashboard"))
        variables, widgets = (_list(body, name) for name in ("variables", "widgets"))
        for number, variable in enumerate(variables, 1):
            self._add(f"variable {number}", structure_errors(variable, "variable"))
        has_stage = any(isinstance(each, dict) and each.get("pattern") == STAGE_VARIABLE for each in variables)
        if not has_stage and not belongs_to_tier(Path(file).stem):  # only the tier's stack knows its load balancer
            missing = f"no variable has the pattern {STAGE_VARIABLE}, so readers cannot choose a stage; add one"
            self._add("variables", [missing])
        for number, widget in enumerate(widgets, 1):
            self._check(title_of(number, widget), widget)
        size = len(json.dumps(body).encode())
        for count, most, what in ((self._metrics, MOST_METRICS, "metrics"), (size, MOST_BYTES, "bytes")):
            if count > most:
                self._add("", [f"the dashboard has {count:,} {what}, but at most {most:,} are allowed; split it"])

    def unknown(self, alarms: Collection[str], dashboards: Collection[str]) -> Iterator[LintFinding]:
        """Yield findings for alarms and dashboards that widgets show or link to, but that no file defines."""
        known = {"alarm": alarms, "dashboard": [each + _REGION for each in dashboards]}
        for place, what, name in self._named:
            if name not in known[what]:
                message = f'no file defines the {what} "{name}"; {suggest(name, known[what])}'
                yield LintFinding(self.file, place, message)

    def _add(self, place: str, messages: Iterable[str]) -> bool:
        """Add a finding for each message. Return whether there was a message."""
        found = [LintFinding(self.file, place, message) for message in messages]
        self.findings += found
        return bool(found)

    def _check(self, title: str, widget: Any) -> None:
        if self._add(title, structure_errors(widget, "widget")):
            return
        self._add(title, self._place_problems(title, *(widget[each] for each in ("x", "y", "width", "height"))))
        kind, properties = widget["type"], widget["properties"]
        if self._add(title, structure_errors(properties, f"{kind}_properties")):
            return
        match kind:
            case "metric":
                self._add(title, self._graph_problems(title, properties))
            case "log":
                self._add(title, query.problems(properties["query"]))
            case "text":
                self._named += [(title, "dashboard", name) for name in _LINK.findall(properties["markdown"])]
        arns = properties.get("alarms", []) + properties.get("annotations", {}).get("alarms", [])
        self._named += [(title, "alarm", alarm_of(arn, STAGE_VARIABLE)) for arn in arns]

    def _place_problems(self, title: str, x: int, y: int, width: int, height: int) -> Iterator[str]:
        if (right := x + width) > COLUMNS:
            yield f"reaches column {right} of {COLUMNS}; write a width of at most {COLUMNS - x}"
        cells = [(column, row) for column in range(x, right) for row in range(y, y + height)]
        for other in dict.fromkeys(self._taken[cell] for cell in cells if cell in self._taken):
            yield f"overlaps {other}; move it"
        self._taken |= dict.fromkeys(cells, title)

    def _graph_problems(self, title: str, properties: dict[str, Any]) -> Iterator[str]:
        for side, axis in properties.get("yAxis", {}).items():
            if axis.get("min", float("-inf")) >= axis.get("max", float("inf")):
                yield f"yAxis.{side}.min must be below yAxis.{side}.max; swap the two"
        rows = enumerate(properties.get("metrics", []), 1)
        if errors := [error for number, row in rows for error in _option_problems(number, row, properties)]:
            yield from errors
            return
        try:
            graph = Graph(expand(properties))
        except GraphedMetricsError as error:
            yield str(error)
            return
        self._metrics += len(graph.entries)
        self.references += graph.references(self.file, title)
        yield from graph.problems()


def _list(body: dict[str, Any], name: str) -> list[Any]:
    return body[name] if isinstance(body.get(name), list) else []


def title_of(number: int, widget: Any) -> str:
    """Return the name of a widget in findings: its number and its title, or the first words of its text."""
    properties = widget.get("properties") if isinstance(widget, dict) else None
    shown = properties if isinstance(properties, dict) else {}
    first, *_ = str(shown.get("title") or shown.get("markdown") or "").strip().splitlines() or [""]
    return f'widget {number} "{first.lstrip("# ")[:40]}"' if first else f"widget {number}"


def _option_problems(number: int, row: Any, properties: dict[str, Any]) -> Iterator[str]:
    """Yield the problems in the options of a row of `metrics`. `expand` checks the row's other items."""
    options = row[-1] if isinstance(row, list) and row and isinstance(row[-1], dict) else {}
    yield from (f"metric {number}: {error}" for error in structure_errors(options, "options"))
    if "expression" not in options and "stat" not in options and "stat" not in properties:
        yield f'metric {number}: stat is missing, so CloudWatch would use Average; write "stat" here or in the widget'


# Alarms

HOUR, DAY, WEEK = 3600, 86_400, 604_800
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

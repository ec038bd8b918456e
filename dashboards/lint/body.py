"""Check the body of one dashboard, alarm or query against CloudWatch's rules and the project's rules.

The checks yield their findings, and a reference for each metric that a graph or an alarm names. Composite alarms are
checked together, since their rules name other alarms. Every alarm has to notify someone.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from dashboards.evaluate import kind
from dashboards.expression import ParseError, dependencies
from dashboards.graphed_metrics import GraphedMetricsError, expand, of_alarm
from dashboards.lint import LintFinding, structure_errors, suggest
from dashboards.lint.known_metrics import Graph, Reference, fields
from dashboards.project import RESOURCES, STAGE_VARIABLE, alarm_of, belongs_to_tier, prefix

_PREFIX = prefix(STAGE_VARIABLE)
_LINK = re.compile(rf"#dashboards[:/](?:dashboard/|name=){_PREFIX}([\w-]+)-REGIONNAME")
"""Matches a link to another dashboard in the console. The group is the file name of that dashboard."""
COLUMNS = 24
"""Columns of the grid on which widgets are placed."""
MOST_METRICS = 2500
"""Maximum number of metrics in all graphs of a dashboard, including hidden metrics (CloudWatch service quotas)."""
MOST_BYTES = 1_000_000
"""Maximum size of a body in a request to CloudWatch and in a CloudFormation template."""
HOUR, DAY, WEEK = 3600, 86_400, 604_800

type Found = LintFinding | Reference
type Names = Mapping[str, Collection[str]]
"""The names of all files of a kind: `alarm` (composites too) and `dashboard`."""
type Bodies = Mapping[str, tuple[str, dict[str, Any]]]
"""Alarms by name, each with its file and its parameters."""


def links_in(text: str) -> set[str]:
    """Return the sections of the runbook that a text links to."""
    return set(re.findall(r"RUNBOOKURL#([\w-]+)", text))


def check_dashboard(file: str, body: dict[str, Any], names: Names) -> Iterator[Found]:
    """Check a dashboard: its structure, its grid, its widgets and CloudWatch's limits."""
    if errors := structure_errors(body, "dashboard"):
        yield from (LintFinding(file, "", error) for error in errors)
        return
    has_stage = any(each.get("pattern") == STAGE_VARIABLE for each in body.get("variables", []))
    if not has_stage and not belongs_to_tier(Path(file).stem):  # only the tier's stack knows its load balancer
        missing = f"no variable has the pattern {STAGE_VARIABLE}, so readers cannot choose a stage; add one"
        yield LintFinding(file, "variables", missing)
    places = [f'widget {number} "{_words(each["properties"])}"' for number, each in enumerate(body["widgets"], 1)]
    yield from _check_grid(file, places, body["widgets"])
    metrics = 0
    for place, widget in zip(places, body["widgets"], strict=True):
        problems, properties = list(_problems(widget["properties"], names)), widget["properties"]
        try:
            graph = Graph(expand(properties))
        except GraphedMetricsError as error:
            problems.append(str(error))
        else:
            metrics += len(graph.entries)
            yield from graph.references(file, place)
            problems += [*_stats(properties), *graph.problems()]
        yield from (LintFinding(file, place, problem) for problem in problems)
    size = len(json.dumps(body).encode())
    for count, most, what in ((metrics, MOST_METRICS, "metrics"), (size, MOST_BYTES, "bytes")):
        if count > most:
            limit = f"the dashboard has {count:,} {what}, but at most {most:,} are allowed; split it"
            yield LintFinding(file, "", limit)


def _words(properties: Mapping[str, Any]) -> str:
    """Return the title of a widget, or the first words of its text."""
    first = str(properties.get("title") or properties["markdown"]).strip().partition("\n")[0]
    return first.lstrip("# ")[:40]


def _check_grid(file: str, places: list[str], widgets: list[dict[str, Any]]) -> Iterator[LintFinding]:
    taken: dict[tuple[int, int], str] = {}  # the cells of the grid, each with the widget that is there
    for place, widget in zip(places, widgets, strict=True):
        x, y, right = widget["x"], widget["y"], widget["x"] + widget["width"]
        if right > COLUMNS:
            wanted = f"write a width of at most {COLUMNS - x}"
            yield LintFinding(file, place, f"reaches column {right} of {COLUMNS}; {wanted}")
        cells = [(column, row) for column in range(x, right) for row in range(y, y + widget["height"])]
        for other in dict.fromkeys(taken[cell] for cell in cells if cell in taken):
            yield LintFinding(file, place, f"overlaps {other}; move it")
        taken |= dict.fromkeys(cells, place)


def _problems(properties: Mapping[str, Any], names: Names) -> Iterator[str]:
    """Yield the problems of a widget, apart from those of its metrics."""
    for side, axis in properties.get("yAxis", {}).items():
        if axis.get("min", float("-inf")) >= axis.get("max", float("inf")):
            yield f"yAxis.{side}.min must be below yAxis.{side}.max; swap the two"
    if "query" in properties:
        yield from query_problems(properties["query"])
    arns = properties.get("alarms", []) + properties.get("annotations", {}).get("alarms", [])
    named = [("alarm", alarm_of(arn, STAGE_VARIABLE)) for arn in arns]
    named += [("dashboard", name) for name in _LINK.findall(properties.get("markdown", ""))]
    for what, name in named:
        if name not in names[what]:
            yield f'no file defines the {what} "{name}"; {suggest(name, names[what])}'


def _stats(properties: Mapping[str, Any]) -> Iterator[str]:
    for number, (*_, options) in enumerate(properties.get("metrics", []), 1):
        has_stat = isinstance(options, dict) and ("expression" in options or "stat" in options)
        if not has_stat and "stat" not in properties:
            wanted = 'so CloudWatch would use Average; write "stat" here or in the widget'
            yield f"metric {number}: stat is missing, {wanted}"


# Alarms


def check_alarm(file: str, name: str, body: dict[str, Any]) -> Iterator[Found]:
    """Check one metric alarm."""
    errors = structure_errors(body, "alarm")
    try:
        entries = [] if errors else of_alarm(body)
    except GraphedMetricsError as error:
        errors = [f"Metrics: {error}"]
    if not errors:
        graph = Graph(entries)
        yield from graph.references(file, "Metrics")
        errors = [*_common_problems(name, body), *graph.problems(), *_alarm_problems(body, graph)]
    yield from (LintFinding(file, "", message) for message in errors)


def _alarm_problems(body: dict[str, Any], graph: Graph) -> Iterator[str]:
    watched = [entry for entry in graph.entries if entry.visible]
    if len(watched) != 1:
        ids = ", ".join(str(entry.id) for entry in watched) or "none"
        what = '"ReturnData": true for the entry that the alarm watches, and false for all others'
        yield f"Metrics has {len(watched)} entries that return data ({ids}); write {what}"
    for entry in graph.entries:
        returned = kind(graph.values.get(entry.row, ()))
        if entry.visible and entry.row in graph.values and returned != "TS":
            what = "a number (S), a time series (TS) or several (TS[])"
            yield f"{entry.title} returns {returned}, but an alarm watches one TS; change it: an entry is {what}"
        if entry.expression and "SEARCH" in entry.expression:
            yield f"{entry.title}: alarms do not support SEARCH; list the metrics instead"
    periods = sorted({entry.period for entry in graph.entries if entry.metric})
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
        errors = structure_errors(body, "composite")
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


# Queries of Logs Insights

MOST_CHARACTERS = 10_000
"""Length of the longest query that PutQueryDefinition accepts."""
_LANGUAGE = json.loads(Path(__file__).with_name("insights.json").read_text(encoding="utf-8"))
_SOURCE = re.compile(r"SOURCE\s+'([^']*)'\s*(?:\||$)")
_QUOTED = re.compile(r"""\#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/(?:[^/\\\n]|\\.)+/""")
"""Matches a comment, a string or a regular expression. In what remains, words are names."""
_NAME = re.compile(r"(?<![\w@.])(@?[A-Za-z_][\w@]*)(?:\.\w+)*`?(\()?")


def query_problems(text: str, log_groups: Sequence[str] = ()) -> Iterator[str]:
    """Yield the problems of a query.

    `log_groups`: the log groups of a saved query. The query of a widget starts with its log groups: `SOURCE '…'`.
    """
    for group in [*log_groups, *_SOURCE.findall(text)]:
        if group not in RESOURCES["LogGroupName"]:
            yield f'the project has no log group "{group}"; {suggest(group, RESOURCES["LogGroupName"])}'
    if len(text) > MOST_CHARACTERS:
        yield f"the query has {len(text):,} characters, but at most {MOST_CHARACTERS:,} are allowed; shorten it"
    commands = [each for part in _QUOTED.sub(" ", _SOURCE.sub("", text)).split("|") if (each := _NAME.findall(part))]
    if not commands:
        yield "the query has no command; write for instance: fields @timestamp, request_id | sort @timestamp desc"
    known = {*fields(), *_LANGUAGE["fields"]}
    for number, [(word, _), *names] in enumerate(commands, 1):
        if word not in _LANGUAGE["commands"]:
            hint = suggest(word, _LANGUAGE["commands"])
            yield f'command {number} begins with "{word}", which is not a command; {hint}'
            continue
        after_as = [at for at, (name, _) in enumerate(names, 1) if name == "as"]
        # `as` names one field, but in `parse` all that follow
        given = (
            names[after_as[0] :] if after_as and word == "parse" else [names[at] for at in after_as if at < len(names)]
        )
        aliases = {name for name, _ in given}
        for name, bracket in names:
            what, right = ("function", set(_LANGUAGE["functions"])) if bracket else ("field", known | aliases)
            if name not in right and name not in _LANGUAGE["words"]:
                yield f'command {number} ({word}): there is no {what} "{name}" here; {suggest(name, right)}'
        if word == "stats":  # later commands see only the results and groups of stats
            by = [name for name, _ in names].index("by") if ("by", "") in names else len(names)
            known = {name for name, bracket in names[by:] if not bracket}
        known |= aliases

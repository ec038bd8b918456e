"""Check alarms against the parameters of CloudWatch's API, CloudWatch's rules and the project's rules.

Composite alarms are checked together, since their rules name other alarms. Every alarm has to notify someone.
"""

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from cloudwatch.lint import LintFinding, structure, suggest
from cloudwatch.lint.completeness import links_in
from cloudwatch.lint.graph import Graph
from cloudwatch.math.series import Series, kind
from cloudwatch.project import STAGE_VARIABLE, prefix
from cloudwatch.syntax.expression import TYPES
from cloudwatch.syntax.graphed_metrics import GraphedMetric, GraphedMetricsError, of_alarm
from cloudwatch.syntax.rule import RuleError, dependencies

if TYPE_CHECKING:
    from cloudwatch.lint.known_metrics import Reference

_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_STATIC = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
MOST_DESCRIPTION = 850
"""Maximum length of a description. CloudWatch allows 1024, but the runbook's URL is longer than its placeholder."""
HOUR, DAY, WEEK = 3600, 86_400, 604_800
_PREFIX = prefix(STAGE_VARIABLE)

type Bodies = Mapping[str, tuple[str, dict[str, Any]]]
"""Alarms by name, each with its file and its parameters."""


class AlarmCheck:
    """Checks one alarm. `findings` has its problems, and `references` has the metrics that it names."""

    def __init__(self, file: str, name: str, body: dict[str, Any]) -> None:
        self.file, self.name, self.body = file, name, body
        self.references: list[Reference] = []
        self.is_complete = False
        """True if `references` has every metric that the alarm names."""
        errors = list(structure.request_errors("PutMetricAlarm", body))
        messages: Iterable[str] = errors or [*common_problems(name, body), *self._problems()]
        self.findings = [LintFinding(file, "", message) for message in messages]

    def _problems(self) -> Iterator[str]:
        body = self.body
        for key in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
            if key not in body:
                yield f"{key} is missing; an alarm needs it to compare the metric with a threshold"
        if body.get("ComparisonOperator", _STATIC[0]) not in _STATIC:
            yield f"ComparisonOperator must be one of {', '.join(_STATIC)}"
        if body.get("TreatMissingData") not in _MISSING:
            yield f"TreatMissingData must be one of {', '.join(_MISSING)}, since there is no data on a quiet night"
        if body.get("DatapointsToAlarm", 1) > body.get("EvaluationPeriods", 1):
            yield "DatapointsToAlarm exceeds EvaluationPeriods; write at most the number of EvaluationPeriods"
        try:
            entries = of_alarm(body)
        except GraphedMetricsError as error:
            yield f"Metrics: {error}"
            return
        except KeyError as key:
            needed = "write Namespace, MetricName, Period and Statistic or ExtendedStatistic, or Metrics"
            yield f"{key} of the metric is missing; {needed}"
            return
        graph = Graph(entries)
        watched = [entry for entry in entries if entry.visible]
        if len(watched) != 1:
            ids = ", ".join(str(entry.id) for entry in watched) or "none"
            yield (
                f"Metrics has {len(watched)} entries that return data ({ids}); write "
                '"ReturnData": true for the entry that the alarm watches, and false for all others'
            )
        yield from graph.problems()
        yield from self._result_problems(graph, watched)
        periods = sorted({entry.period for entry in entries if entry.metric})
        if len(periods) > 1:
            yield f"Metrics has the periods {', '.join(map(str, periods))}; give all metrics the same period"
        yield from self._window_problems(max(periods, default=60))
        queries = enumerate(body.get("Metrics", []))
        units = {row: each.get("MetricStat", {}).get("Unit") for row, each in queries}
        self.is_complete = True
        self.references = list(graph.references(self.file, "Metrics", units or {0: body.get("Unit")}))

    def _result_problems(self, graph: Graph, watched: list[GraphedMetric]) -> Iterator[str]:
        """Yield problems if the watched entry does not return one time series, or if expressions use SEARCH."""
        for entry in watched:
            if (value := graph.values.get(entry.key)) is not None and not isinstance(value, Series):
                yield f"{entry.title} returns {TYPES[kind(value)]}, but an alarm watches one time series; change it"
        for entry in graph.entries:
            if entry.expression and "SEARCH" in entry.expression:
                yield f"{entry.title}: alarms do not support SEARCH; list the metrics instead"

    def _window_problems(self, period: int) -> Iterator[str]:
        if period % 60:
            yield f"Period is {period} s, but metrics have a resolution of 60 s; write a multiple of 60 s"
        window, most = period * self.body.get("EvaluationPeriods", 1), WEEK if period >= HOUR else DAY
        if window > most:
            yield (
                f"Period × EvaluationPeriods is {window:,} s, but at most {most:,} s are allowed for a period of "
                f"{period} s; lower EvaluationPeriods"
            )


def common_problems(name: str, body: dict[str, Any]) -> Iterator[str]:
    """Yield the problems that metric alarms and composite alarms can both have."""
    wanted = prefix(STAGE_VARIABLE) + name
    if body.get("AlarmName") != wanted:
        yield f"AlarmName is {body.get('AlarmName')!r}; remove it, since the template sets {wanted} from the file name"
    if "Tags" in body:
        yield "Tags is set, but CloudFormation tags all resources of the stack; remove it"
    description = body.get("AlarmDescription", "")
    if name not in links_in(description):
        yield f"AlarmDescription does not link to the runbook; write what the alarm means, and link RUNBOOKURL#{name}"
    if len(description) > MOST_DESCRIPTION:
        yield (
            f"AlarmDescription has {len(description)} characters; write at most {MOST_DESCRIPTION}, "
            "to leave room for the URL of the runbook"
        )
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for action in body.get(key, ()):
            if action != "ALARMTOPIC":
                yield f'{key} has "{action}"; write "ALARMTOPIC", which the template replaces with the ARN of the topic'


def composite_findings(composites: Bodies, alarms: Bodies) -> Iterator[LintFinding]:
    """Yield findings for composites, and for alarms that notify no one."""
    known = {_PREFIX + name for name in [*alarms, *composites]}
    children: dict[str, set[str]] = {}
    for name, (file, body) in composites.items():
        errors = list(structure.request_errors("PutCompositeAlarm", body))
        if not errors:
            try:
                children[_PREFIX + name] = named = dependencies(body)
                errors += [
                    f'no file defines an alarm "{each}"; {suggest(each, known)}' for each in sorted(named - known)
                ]
            except RuleError as error:
                errors.append(f"AlarmRule: {error}")
            errors += common_problems(name, body)
        yield from (LintFinding(file, "", error) for error in errors)
    try:
        TopologicalSorter(children).prepare()
    except CycleError as error:
        names = {str(name).removeprefix(_PREFIX) for name in error.args[1]}
        what = f"{', '.join(sorted(names))} depend on one another; CloudWatch refuses cycles; change one of the rules"
        yield LintFinding(composites[min(names)][0], "AlarmRule", what)
    if len(children) < len(composites):
        return  # A rule that cannot be parsed may name any alarm.
    named = set().union(*children.values())
    for name, (file, body) in {**alarms, **composites}.items():
        if _PREFIX + name not in named and not body.get("AlarmActions"):
            yield LintFinding(
                file,
                "",
                'no composite names this alarm and it has no "AlarmActions", so it notifies no one; '
                'name it in a composite, or add "AlarmActions"',
            )

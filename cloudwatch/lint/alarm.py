"""One metric alarm: the parameters of PutMetricAlarm, and what CloudWatch wants of them beyond their types."""

from collections.abc import Iterator
from typing import Any

from cloudwatch.files import STAGE_VARIABLE, prefix
from cloudwatch.lint import lines, structure
from cloudwatch.lint.finding import Finding
from cloudwatch.lint.kinds import WORDS, kinds_of
from cloudwatch.lint.reference import Reference
from cloudwatch.lint.runbook import links_of
from cloudwatch.syntax.lines import Line, LinesError, of_alarm, of_queries
from cloudwatch.syntax.statistic import SIMPLE, StatisticError
from cloudwatch.syntax.statistic import read as read_statistic

_SINGLE = ("Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_STATIC = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
)
MOST_QUERIES = {"MetricStat": 10, "Expression": 10}
MOST_DESCRIPTION = 850
"""Characters of a description; CloudWatch takes 1024, and the runbook's URL is longer than its placeholder."""
HOUR, DAY, WEEK = 3600, 86_400, 604_800


class MetricAlarm:
    """Reads one alarm; `findings` and `references` are what there is to say."""

    def __init__(self, file: str, name: str, body: dict[str, Any]) -> None:
        self.file, self.name, self.body = file, name, body
        self.findings: list[Finding] = []
        self.references: list[Reference] = []
        self.is_whole = False
        """Whether all metrics that it names could be read."""
        errors = list(structure.request_errors("PutMetricAlarm", body))
        self._say("", errors or [*common_problems(name, body), *self._problems()])

    def _say(self, place: str, messages: list[str]) -> None:
        self.findings += [Finding(self.file, place, message) for message in messages]

    def _problems(self) -> Iterator[str]:
        body = self.body
        for key in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
            if key not in body:
                yield f"{key} is missing; without it there is nothing to compare with"
        if body.get("ComparisonOperator", _STATIC[0]) not in _STATIC or "ThresholdMetricId" in body:
            yield f"alarms on anomaly bands are not checked here; write a ComparisonOperator of {', '.join(_STATIC)}"
        if body.get("TreatMissingData") not in _MISSING:
            yield f"TreatMissingData is not said; write one of {', '.join(_MISSING)}: a quiet night has no data"
        if body.get("DatapointsToAlarm", 1) > body.get("EvaluationPeriods", 1):
            yield "DatapointsToAlarm is more than EvaluationPeriods; M of N needs M to be at most N"
        if "MetricName" in body:
            yield from self._of_one()
        elif "Metrics" in body:
            yield from self._of_several()
        else:
            yield "neither MetricName nor Metrics is there; one says what the alarm watches"

    def _of_one(self) -> Iterator[str]:
        body = self.body
        if "Metrics" in body:
            yield "MetricName and Metrics exclude one another; remove one"
            return
        if missing := [key for key in ("Namespace", "Period") if key not in body]:
            yield f"{' and '.join(missing)} of {body['MetricName']} is missing"
            return
        stats = [body[key] for key in ("Statistic", "ExtendedStatistic") if key in body]
        if len(stats) != 1:
            yield "write either Statistic (Sum, Average, …) or ExtendedStatistic (p99, tm90, …)"
            return
        yield from _wrong_extended(body)
        yield from self._window(body["Period"])
        self.is_whole = True
        metric = of_alarm(body)
        self.references.append(
            Reference(self.file, "", metric.namespace, metric.name, metric.dimensions, str(stats[0]), body.get("Unit"))
        )

    def _of_several(self) -> Iterator[str]:
        queries = self.body["Metrics"]
        if given := [key for key in _SINGLE if key in self.body]:
            yield f"{', '.join(given)} cannot stand beside Metrics; say it within Metrics"
        for kind, most in MOST_QUERIES.items():
            if (count := sum(kind in query for query in queries)) > most:
                yield f"Metrics has {count} items with {kind}, an alarm takes at most {most}; watch fewer in one alarm"
        try:
            expanded = of_queries(queries)
        except (LinesError, KeyError) as error:
            yield f"Metrics: {error}" if isinstance(error, LinesError) else f"Metrics: a MetricStat has no {error}"
            return
        watched = [line for line in expanded if line.visible]
        if len(watched) != 1:
            ids = ", ".join(str(line.id) for line in watched) or "none"
            yield (
                f"{len(watched)} of Metrics are returned ({ids}); write "
                '"ReturnData": true at the one to watch and false at all others'
            )
        yield from (f"Metrics: {problem}" for problem in lines.problems(expanded))
        yield from self._one_series(expanded, watched)
        periods = sorted({line.period for line in expanded if line.metric})
        if len(periods) > 1:
            yield f"Metrics have the periods {', '.join(map(str, periods))}; an alarm has one, write it everywhere"
        yield from self._window(max(periods, default=60))
        units = {row: each.get("MetricStat", {}).get("Unit") for row, each in enumerate(queries)}
        self.is_whole = True
        self.references += lines.references(expanded, self.file, "Metrics", units)

    def _one_series(self, expanded: list[Line], watched: list[Line]) -> Iterator[str]:
        """An alarm watches one series, made from metrics that it names."""
        trees, _ = lines.trees_of(expanded)
        kinds = kinds_of(trees, {line.id for line in expanded if line.id and line.metric})
        for line in watched:
            if (kind := kinds.get(line.id or "", "TS")) in ("S", "TS[]", "text"):
                yield f"Metrics: {lines.title_of(line)} gives {WORDS[kind]}; an alarm watches one series"
        for line in expanded:
            if line.expression and "SEARCH" in line.expression:
                yield f"Metrics: {lines.title_of(line)}: CloudWatch takes no SEARCH in an alarm; name the metrics"

    def _window(self, period: int) -> Iterator[str]:
        if period not in (10, 20, 30) and period % 60:
            yield f"Period is {period}; write seconds as a multiple of 60"
        elif period < 60:
            yield f"Period is {period}, but metrics are kept by the minute; write a multiple of 60"
        whole, most = period * self.body.get("EvaluationPeriods", 1), WEEK if period >= HOUR else DAY
        if whole > most:
            yield (
                f"it looks back {whole:,} s (Period × EvaluationPeriods), at most {most:,} s are taken for a period of "
                f"{period} s; write fewer EvaluationPeriods"
            )


def common_problems(name: str, body: dict[str, Any]) -> Iterator[str]:
    """What holds for metric alarms and composites alike."""
    wanted = prefix(STAGE_VARIABLE) + name
    if body.get("AlarmName") != wanted:
        yield f"AlarmName is {body.get('AlarmName')!r}; leave it out, the file's name makes it {wanted}"
    if "Tags" in body:
        yield "Tags are put by deploy, which knows its own alarms by them; leave them out"
    description = body.get("AlarmDescription", "")
    if name not in links_of(description):
        yield f"AlarmDescription does not lead to the runbook; write what it means for users, and RUNBOOKURL#{name}"
    if len(description) > MOST_DESCRIPTION:
        yield f"AlarmDescription has {len(description)} characters; at most {MOST_DESCRIPTION} leave room for the URL"
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for action in body.get(key, ()):
            if action != "ALARMTOPIC":
                yield f'{key} has "{action}"; write "ALARMTOPIC", whose topic deploy is told'


def _wrong_extended(body: dict[str, Any]) -> Iterator[str]:
    extended = body.get("ExtendedStatistic")
    if extended is None:
        if "EvaluateLowSampleCountPercentile" in body:
            yield "EvaluateLowSampleCountPercentile is for percentiles only; remove it"
        return
    try:
        if read_statistic(extended).kind in SIMPLE:
            yield f'ExtendedStatistic is "{extended}"; write it as Statistic'
    except StatisticError as error:
        yield f"ExtendedStatistic: {error}"

"""How alarms stand and stood: the course of states of each, as the page tells it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudwatch.files import Files
from cloudwatch.preview.alarms import MINUTE, History, State, histories
from cloudwatch.preview.recording import Span
from cloudwatch.preview.series import Store
from cloudwatch.project import SERVICE, prefix

_RUNBOOK = re.compile(r"\s*What to do: (\S+)\s*$")
_NAME = re.compile(rf'"?{SERVICE}-[a-z0-9]+-([a-z0-9-]+)"?')
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": "≥",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}


@dataclass(frozen=True, slots=True)
class Course:
    """One alarm with its states over a time range."""

    name: str
    alarm: Mapping[str, Any]
    history: History

    @property
    def state(self) -> State:
        """The state at the end."""
        return self.history.states[-1] if self.history.states else "INSUFFICIENT_DATA"

    def told(self) -> dict[str, Any]:
        """The alarm for the page; times are in milliseconds."""
        changes = self.history.changes
        end = self.history.start + MINUTE * len(self.history.states)
        ends = [*(change.at for change in changes[1:]), end][: len(changes)]
        description = self.alarm.get("AlarmDescription", "")
        runbook = _RUNBOOK.search(description)
        return {
            "name": self.name,
            "state": self.state,
            "since": changes[-1].at * 1e3 if len(changes) > 1 else None,
            "meaning": _RUNBOOK.sub("", description).removesuffix("."),
            "rule": rule_of(self.alarm),
            "reason": _short(changes[-1].reason) if changes else "",
            "runbook": runbook[1] if runbook else None,
            "periods": [
                {"from": change.at * 1e3, "to": until * 1e3, "state": change.state, "reason": _short(change.reason)}
                for change, until in zip(changes, ends, strict=True)
            ],
        }


def courses_of(files: Files, store: Store, span: Span) -> dict[str, Course]:
    """Every alarm and composite of the files, by file name. Raises `AlarmError`, EvaluationError."""
    told = histories(files, store, span.start, span.end)
    return {
        name: Course(name, alarm, told[name])
        for name, alarm in (files.alarms | files.composites).items()
        if name in told
    }


def by_trouble(course: Course) -> tuple[int, int]:
    """Sorts what is in alarm first, then what was so for long."""
    return ["ALARM", "INSUFFICIENT_DATA", "OK"].index(course.state), -course.history.states.count("ALARM")


def counted(courses: Mapping[str, Course], names: Sequence[str]) -> dict[State, int]:
    """How many of these alarms are in each state."""
    found: dict[State, int] = {"ALARM": 0, "INSUFFICIENT_DATA": 0, "OK": 0}
    for name in names:
        if name in courses:
            found[courses[name].state] += 1
    return found


def rule_of(alarm: Mapping[str, Any]) -> str:
    """When it fires, in a few words."""
    if rule := alarm.get("AlarmRule"):
        return _short(rule)
    watched = next((query for query in alarm.get("Metrics", []) if query.get("ReturnData", True)), None)
    what = (watched.get("Label") or watched["Id"]) if watched else f"{_statistic(alarm)} of {alarm['MetricName']}"
    total = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm", total)
    period = alarm.get("Period") or max(
        (query["MetricStat"]["Period"] for query in alarm["Metrics"] if "MetricStat" in query), default=60
    )
    times = f" in {needed} of {total}" if total > 1 else ""
    limit = f"{_COMPARISONS[alarm['ComparisonOperator']]} {alarm['Threshold']:,.10g}"
    return f"{what} {limit}, {_length(period)} a point{times}"


def alarms_of(body: Mapping[str, Any], stage: str) -> list[str]:
    """File names of the alarms that a dashboard shows, in its order."""
    arns = [arn for widget in body["widgets"] if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    return [arn.rpartition(":alarm:")[2].replace("STAGENAME", stage).removeprefix(prefix(stage)) for arn in arns]


def _short(text: str) -> str:
    """The text with alarms called as their files are."""
    return _NAME.sub(r"\1", text)


def _statistic(alarm: Mapping[str, Any]) -> str:
    return str(alarm.get("Statistic") or alarm.get("ExtendedStatistic"))


def _length(seconds: int) -> str:
    return (
        f"{seconds // 3600} h" if seconds % 3600 == 0 else f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"
    )

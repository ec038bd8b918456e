"""Describe alarms for the page."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Any

from dashboards.alarms import MetricAlarm, State, Timeline
from dashboards.preview.recording import Incident
from dashboards.project import SERVICE, STAGE_VARIABLE, alarm_of

_URGENCY: tuple[State, ...] = ("ALARM", "INSUFFICIENT_DATA", "OK")
_RUNBOOK = re.compile(r"\s*What to do: (\S+)\s*$")
_NAME = re.compile(rf'"?{SERVICE}-[a-z0-9]+-([a-z0-9-]+)"?')
_GAP = 15 * 60
"""Seconds. An alarm that fires at most this long after the previous alarm belongs to the same incident."""
_LOOK = 5 * 60
"""Seconds. The link to an incident shows the time until this long after the first alarm."""


def alarm_json(timeline: Timeline) -> dict[str, Any]:
    """Return an alarm as JSON for the page. Times are in milliseconds since 1970."""
    description = timeline.alarm.get("AlarmDescription", "")
    runbook = _RUNBOOK.search(description)
    stretches = [
        {"from": begin * 1e3, "to": end * 1e3, "state": state, "reason": _shorten(reason)}
        for begin, end, state, reason in timeline.stretches
    ]
    return {
        "name": timeline.name,
        "state": timeline.state,
        "since": stretches[-1]["from"] if len(stretches) > 1 else None,
        "meaning": _RUNBOOK.sub("", description).removesuffix("."),
        "rule": describe_rule(timeline.alarm),
        "reason": stretches[-1]["reason"] if stretches else "",
        "runbook": runbook[1] if runbook else None,
        "periods": stretches,
    }


def incidents_of(timelines: Mapping[str, Timeline]) -> list[Incident]:
    """Group metric alarms that fired at about the same time into incidents. Return the incidents in order of time."""
    fired = sorted(
        (stretch.begin, name)
        for name, timeline in timelines.items()
        if "AlarmRule" not in timeline.alarm
        for stretch in timeline.stretches
        if stretch.state == "ALARM"
    )
    incidents: list[Incident] = []
    for (before, _), (begin, name) in pairwise([(-inf, ""), *fired]):
        if begin <= before + _GAP:
            incidents[-1] = incidents[-1]._replace(title=f"{incidents[-1].title}, {name}")
        else:
            incidents.append(Incident(begin, name, begin + _LOOK))
    return incidents


def urgency(timeline: Timeline) -> tuple[int, int]:
    """Return a sort key: by state, ALARM first and OK last, then by minutes in ALARM, the most first."""
    return _URGENCY.index(timeline.state), -timeline.states.count("ALARM")


def count_states(timelines: Mapping[str, Timeline], names: Sequence[str]) -> dict[State, int]:
    """Return how many of the named alarms are in each state. Ignore names without a timeline."""
    found = [timelines[name].state for name in names if name in timelines]
    return {state: found.count(state) for state in _URGENCY}


def describe_rule(alarm: Mapping[str, Any]) -> str:
    """Return the condition of an alarm as one line: metric, threshold, period, and number of periods."""
    if rule := alarm.get("AlarmRule"):
        return _shorten(rule)
    parsed = MetricAlarm.of(alarm)
    line, metric = parsed.watched, parsed.watched.metric
    what = line.label or line.id or (metric and f"{line.stat} of {metric.name}")
    times = f" in {parsed.needed} of {parsed.total}" if parsed.total > 1 else ""
    length = f"{line.period // 60} min" if line.period % 3600 else f"{line.period // 3600} h"
    return f"{what} {parsed.limit}, {length} a point{times}"


def alarms_of(body: Mapping[str, Any], stage: str) -> list[str]:
    """Return the file names of the alarms on a dashboard, in the dashboard's order."""
    arns = [arn for widget in body["widgets"] if widget["type"] == "alarm" for arn in widget["properties"]["alarms"]]
    return [alarm_of(arn.replace(STAGE_VARIABLE, stage), stage) for arn in arns]


def _shorten(text: str) -> str:
    """Replace each name of a deployed alarm in a text with the alarm's file name."""
    return _NAME.sub(r"\1", text)

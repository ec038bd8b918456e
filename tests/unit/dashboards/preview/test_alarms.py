"""What the page shows of alarms."""

from itertools import groupby
from typing import Any

import pytest

from dashboards.alarms import State, Stretch, Timeline
from dashboards.preview.widgets import alarm_json, alarms_of, count_states, describe_rule, urgency

ALARM: dict[str, Any] = {
    "AlarmDescription": "Redis fails requests. What to do: runbook#cache-errors",
    "Namespace": "Faunalens",
    "MetricName": "CacheErrors",
    "Dimensions": [],
    "Period": 60,
    "Statistic": "Sum",
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Threshold": 5,
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
}


def timeline(*states: State, name: str = "cache-errors") -> Timeline:
    """Return an alarm with these states, one per minute from second 600 on."""
    stretches, begin = [], 600
    for state, minutes in groupby(states):
        end = begin + 60 * len(list(minutes))
        stretches.append(Stretch(begin, end, state, f"because of {state}, says faunalens-prod-page"))
        begin = end
    return Timeline(name, ALARM, states, stretches)


def test_an_alarm_has_its_meaning_its_rule_and_its_periods() -> None:
    ends = ((600, 660, "OK"), (660, 780, "ALARM"), (780, 900, "OK"))
    assert alarm_json(timeline("OK", "ALARM", "ALARM", "OK", "OK")) == {
        "name": "cache-errors",
        "state": "OK",
        "since": 780_000,
        "meaning": "Redis fails requests",
        "rule": "Sum of CacheErrors ≥ 5, 1 min a point in 3 of 5",
        "reason": "because of OK, says page",  # names of alarms are those of their files
        "runbook": "runbook#cache-errors",
        "periods": [
            {"from": begin * 1e3, "to": end * 1e3, "state": state, "reason": f"because of {state}, says page"}
            for begin, end, state in ends
        ],
    }


@pytest.mark.parametrize(
    ("alarm", "rule"),
    [
        ({**ALARM, "EvaluationPeriods": 1, "Period": 7200}, "Sum of CacheErrors ≥ 5, 2 h a point"),
        ({**ALARM, "Period": 5400, "Threshold": 8e8}, "Sum of CacheErrors ≥ 800,000,000, 90 min a point in 3 of 5"),
        (
            {**ALARM, "Metrics": [{"Id": "result", "Expression": "1", "Period": 300}], "DatapointsToAlarm": 5},
            "result ≥ 5, 5 min a point in 5 of 5",
        ),
        ({"AlarmRule": 'ALARM("faunalens-prod-page") OR OK("faunalens-prod-a-b")'}, "ALARM(page) OR OK(a-b)"),
    ],
)
def test_a_rule_is_one_line(alarm: dict[str, Any], rule: str) -> None:
    assert describe_rule(alarm) == rule


def test_a_dashboards_alarms_are_counted_by_state() -> None:
    arns = [f"arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-{name}" for name in "ab"]
    names = alarms_of({"widgets": [{"type": "text"}, {"type": "alarm", "properties": {"alarms": arns}}]}, "prod")
    courses = {"a": timeline("ALARM"), "b": timeline("OK"), "c": timeline("ALARM")}
    assert names == ["a", "b"]
    assert count_states(courses, names) == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 1}


def test_firing_alarms_come_first_then_those_that_fired_longest() -> None:
    courses = [timeline("OK"), timeline("ALARM", "OK"), timeline("INSUFFICIENT_DATA"), timeline("OK", "ALARM")]
    assert sorted(courses, key=urgency) == list(reversed(courses))

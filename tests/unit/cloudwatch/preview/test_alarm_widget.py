"""The JSON of alarms."""

from itertools import groupby
from typing import Any

import pytest

from cloudwatch.preview.alarm_widget import alarm_json, alarms_of, count_states, describe_rule, incidents_of, urgency
from cloudwatch.preview.alarms import State, Stretch, Timeline

ALARM: dict[str, Any] = {
    "AlarmName": "faunalens-prod-cache-errors",
    "AlarmDescription": "Redis fails requests. What to do: runbook#cache-errors",
    "Namespace": "Faunalens",
    "MetricName": "CacheErrors",
    "Statistic": "Sum",
    "Period": 60,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "Threshold": 5,
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
}
METRIC = {"Metric": {"Namespace": "Faunalens", "MetricName": "Requests"}, "Period": 300, "Stat": "Sum"}


def timeline(*states: State, name: str = "cache-errors") -> Timeline:
    """Return an alarm with these states, one per minute from second 600 on."""
    stretches, begin = [], 600
    for state, minutes in groupby(states):
        end = begin + 60 * len(list(minutes))
        stretches.append(Stretch(begin, end, state, f"because of {state}, says faunalens-prod-page"))
        begin = end
    return Timeline(name, ALARM, states, stretches)


def test_an_alarm_has_its_meaning_its_rule_and_its_periods() -> None:
    alarm = alarm_json(timeline("OK", "ALARM", "ALARM", "OK", "OK"))
    assert (alarm["name"], alarm["state"], alarm["since"]) == ("cache-errors", "OK", 780_000)
    assert (alarm["meaning"], alarm["runbook"]) == ("Redis fails requests", "runbook#cache-errors")
    assert alarm["rule"] == "Sum of CacheErrors ≥ 5, 1 min a point in 3 of 5"
    # alarm names are file names
    assert alarm["reason"] == "because of OK, says page"
    assert [(each["from"], each["to"], each["state"]) for each in alarm["periods"]] == [
        (600_000, 660_000, "OK"),
        (660_000, 780_000, "ALARM"),
        (780_000, 900_000, "OK"),
    ]


def test_an_alarm_that_never_changed_has_no_since() -> None:
    assert alarm_json(timeline("OK", "OK"))["since"] is None


def test_before_its_first_minute_an_alarm_has_insufficient_data() -> None:
    assert timeline().state == "INSUFFICIENT_DATA"
    assert alarm_json(timeline())["periods"] == []


@pytest.mark.parametrize(
    ("alarm", "rule"),
    [
        ({**ALARM, "EvaluationPeriods": 1, "Period": 7200}, "Sum of CacheErrors ≥ 5, 2 h a point"),
        ({**ALARM, "Period": 5400, "Threshold": 8e8}, "Sum of CacheErrors ≥ 800,000,000, 90 min a point in 3 of 5"),
        (
            {
                "Metrics": [
                    {"Id": "m", "MetricStat": METRIC, "ReturnData": False},
                    {"Id": "share", "Expression": "100 * m", "Label": "Share, %"},
                ],
                "ComparisonOperator": "LessThanThreshold",
                "Threshold": 0.5,
                "EvaluationPeriods": 2,
            },
            "Share, % < 0.5, 5 min a point in 2 of 2",
        ),
        ({"AlarmRule": 'ALARM("faunalens-prod-page") OR OK("faunalens-prod-a-b")'}, "ALARM(page) OR OK(a-b)"),
    ],
)
def test_a_rule_is_one_line(alarm: dict[str, Any], rule: str) -> None:
    assert describe_rule("a", alarm) == rule


def test_a_dashboards_alarms_are_counted_by_state() -> None:
    body = {
        "widgets": [
            {"type": "text", "properties": {}},
            {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-a"]}},
            {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-b"]}},
        ]
    }
    names = alarms_of(body, "prod")
    courses = {"a": timeline("ALARM"), "b": timeline("OK"), "c": timeline("ALARM")}
    assert names == ["a", "b"]
    assert count_states(courses, names) == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 1}


def test_firing_alarms_come_first_then_those_that_fired_longest() -> None:
    calm, past, unsure, now = (
        timeline("OK"),
        timeline("ALARM", "OK"),
        timeline("INSUFFICIENT_DATA"),
        timeline("OK", "ALARM"),
    )
    assert sorted([calm, past, unsure, now], key=urgency) == [now, unsure, past, calm]


def test_alarms_that_begin_together_are_one_incident() -> None:
    # GIVEN two alarms that fire within minutes, one that fires an hour later, and one that never does
    calm: list[State] = ["OK"] * 70
    timelines = {
        "a": timeline("OK", "ALARM", "OK", name="a"),
        "b": timeline("OK", "OK", "OK", "ALARM", name="b"),
        "c": timeline(*calm, "ALARM", name="c"),
        "d": timeline("OK", "OK", name="d"),
    }
    # THEN each incident names its alarms and shows the minutes after its begin
    found = [(each.at, each.title, each.until) for each in incidents_of(timelines)]
    assert found == [(660, "a, b", 960), (4800, "c", 5100)]

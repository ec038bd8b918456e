"""Alarms as the page tells them."""

from typing import Any

import pytest

from cloudwatch.preview.alarm_widget import Course, alarms_of, by_trouble, counted, rule_of
from cloudwatch.preview.alarms import Change, History, State

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


def course(*states: State, name: str = "cache-errors") -> Course:
    """An alarm that was in these states, a minute each, from second 600 on."""
    changes = [
        Change(600 + 60 * minute, state, f"because of {state}, says faunalens-prod-page")
        for minute, state in enumerate(states)
        if not minute or state != states[minute - 1]
    ]
    return Course(name, ALARM, History(600, states, changes))


def test_an_alarm_is_told_with_its_meaning_its_rule_and_when_it_was_in_which_state() -> None:
    told = course("OK", "ALARM", "ALARM", "OK", "OK").told()
    assert (told["name"], told["state"], told["since"]) == ("cache-errors", "OK", 780_000)
    assert (told["meaning"], told["runbook"]) == ("Redis fails requests", "runbook#cache-errors")
    assert told["rule"] == "Sum of CacheErrors ≥ 5, 1 min a point in 3 of 5"
    # names of alarms are those of their files
    assert told["reason"] == "because of OK, says page"
    assert [(each["from"], each["to"], each["state"]) for each in told["periods"]] == [
        (600_000, 660_000, "OK"),
        (660_000, 780_000, "ALARM"),
        (780_000, 900_000, "OK"),
    ]


def test_what_never_changed_has_no_since() -> None:
    assert course("OK", "OK").told()["since"] is None


def test_before_its_first_minute_an_alarm_has_insufficient_data() -> None:
    assert course().state == "INSUFFICIENT_DATA"
    assert course().told()["periods"] == []


@pytest.mark.parametrize(
    ("alarm", "rule"),
    [
        ({**ALARM, "EvaluationPeriods": 1, "Period": 7200}, "Sum of CacheErrors ≥ 5, 2 h a point"),
        ({**ALARM, "Period": 30, "Threshold": 8e8}, "Sum of CacheErrors ≥ 800,000,000, 30 s a point in 3 of 5"),
        (
            {
                "Metrics": [
                    {"Id": "m", "MetricStat": {"Period": 300}, "ReturnData": False},
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
def test_a_rule_is_a_few_words(alarm: dict[str, Any], rule: str) -> None:
    assert rule_of(alarm) == rule


def test_alarms_are_counted_by_state_those_of_a_dashboard_alone() -> None:
    body = {
        "widgets": [
            {"type": "text", "properties": {}},
            {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-a"]}},
            {"type": "alarm", "properties": {"alarms": ["arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-b"]}},
        ]
    }
    names = alarms_of(body, "prod")
    courses = {"a": course("ALARM"), "b": course("OK"), "c": course("ALARM")}
    assert names == ["a", "b"]
    assert counted(courses, names) == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 1}


def test_trouble_comes_first_and_what_was_in_trouble_before_what_never_was() -> None:
    calm, past, unsure, now = course("OK"), course("ALARM", "OK"), course("INSUFFICIENT_DATA"), course("OK", "ALARM")
    assert sorted([calm, past, unsure, now], key=by_trouble) == [now, unsure, past, calm]

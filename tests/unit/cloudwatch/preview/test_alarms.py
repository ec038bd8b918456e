from itertools import groupby
from typing import Any

import pytest

from cloudwatch.files import Files
from cloudwatch.math.metric_store import MetricStore
from cloudwatch.preview.alarms import (
    State,
    Stretch,
    Timeline,
    alarm_json,
    alarms_of,
    count_states,
    describe_rule,
    incidents_of,
    timelines_of,
    urgency,
)
from cloudwatch.preview.metric_alarm import AlarmError
from tests.unit.cloudwatch.metric_lines import DEV, metric_line

START = 1_764_000_000 // 3600 * 3600
DIMENSIONS = [{"Name": name, "Value": value} for name, value in DEV.items()]


def _store(**metrics: list[float | None]) -> MetricStore:
    """Return metrics with one sample in the middle of each minute from START on; None is a missing sample."""
    store = MetricStore()
    for name, values in metrics.items():
        for minute, value in enumerate(values):
            if value is not None:
                assert store.add(metric_line(START + 60 * minute + 30, {name: value}))
    return store


def _alarm(metric: str = "Faults", **changes: Any) -> dict[str, Any]:
    return {
        "Namespace": "Faunalens",
        "MetricName": metric,
        "Dimensions": DIMENSIONS,
        "Period": 60,
        "Statistic": "Sum",
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Threshold": 5,
        "EvaluationPeriods": 1,
        "TreatMissingData": "notBreaching",
    } | changes


def _query(id_: str, metric: str, period: int = 60) -> dict[str, Any]:
    named = {"Namespace": "Faunalens", "MetricName": metric, "Dimensions": DIMENSIONS}
    return {"Id": id_, "MetricStat": {"Metric": named, "Period": period, "Stat": "Sum"}, "ReturnData": False}


def _math(*queries: dict[str, Any], **changes: Any) -> dict[str, Any]:
    single = ("Namespace", "MetricName", "Dimensions", "Period", "Statistic")
    return {key: value for key, value in _alarm(**changes).items() if key not in single} | {"Metrics": list(queries)}


def _files(composites: dict[str, str] | None = None, **alarms: dict[str, Any]) -> Files:
    rules = {name: {"AlarmRule": rule} for name, rule in (composites or {}).items()}
    return Files(stage="dev", alarms=alarms, composites=rules)


def _timeline(alarm: dict[str, Any], store: MetricStore, minutes: int) -> Timeline:
    return timelines_of(_files(a=alarm), store, START, START + 60 * minutes)["a"]


def _letters(found: list[State]) -> str:
    return "".join({"OK": "o", "ALARM": "A", "INSUFFICIENT_DATA": "?"}[state] for state in found)


def _course(alarm: dict[str, Any], store: MetricStore, minutes: int) -> str:
    return _letters(list(_timeline(alarm, store, minutes).states))


@pytest.mark.parametrize(
    ("operator", "course"),
    [
        ("GreaterThanOrEqualToThreshold", "ooAA"),
        ("GreaterThanThreshold", "oooA"),
        ("LessThanThreshold", "oAoo"),
        ("LessThanOrEqualToThreshold", "oAAo"),
    ],
)
def test_comparisons(operator: str, course: str) -> None:
    assert _course(_alarm(ComparisonOperator=operator), _store(Faults=[4, 5, 6]), 4) == course


def test_m_of_n() -> None:
    alarm = _alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    assert _course(alarm, _store(Faults=[0, 9, 0, 9, 0, 0, 0, 9, 9]), 10) == "ooooAoooo" + "A"
    assert _course(_alarm(EvaluationPeriods=3), _store(Faults=[9, 9, 0, 9, 9, 9]), 7) == "ooooooA"


@pytest.mark.parametrize(
    ("treatment", "course"),
    [("missing", "?AAAooo"), ("ignore", "?AAAooo"), ("breaching", "?AAAooo"), ("notBreaching", "oAAAooo")],
)
def test_a_point_counts_as_long_as_it_is_among_the_fetched_ones(treatment: str, course: str) -> None:
    # GIVEN an alarm of one period, which fetches three points; a bad point, and a good one much later
    alarm = _alarm(TreatMissingData=treatment)
    assert _course(alarm, _store(Faults=[9, None, None, 0, None, None]), 7) == course


LOW: dict[str, Any] = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 3}
FILLED = {"Id": "runs", "Expression": "FILL(faults, 0)", "ReturnData": True}


@pytest.mark.parametrize(
    "silent",
    [_alarm(TreatMissingData="breaching", **LOW), _math(_query("faults", "Faults"), FILLED, **LOW)],
    ids=["missing", "filled"],
)
def test_no_alarm_comes_from_the_minutes_before_the_recording(silent: dict[str, Any]) -> None:
    # GIVEN an alarm that fires after three minutes without a run, and a recording of requests without any
    course = _course(silent, _store(Requests=[1] * 6), 7)
    # THEN it is on once three minutes of the recording had none, and not before
    assert (course.index("A"), course.count("A")) == (3, 4)


def test_ignored_missing_data_keeps_the_state() -> None:
    alarm = _alarm(TreatMissingData="ignore")
    assert _course(alarm, _store(Faults=[9, *[None] * 6]), 8) == "?AAAAAAA"
    assert _course(_alarm(TreatMissingData="missing"), _store(Faults=[9, *[None] * 6]), 8) == "?AAA????"


def test_long_periods_slide_by_the_minute() -> None:
    # GIVEN a sum over five minutes, and six faults in one minute
    alarm = _alarm(Period=300, Threshold=6)
    store = _store(Faults=[0, 0, 0, 6, *[0] * 8])
    # THEN it fires as long as they are in its window
    assert _course(alarm, store, 12) == "ooooAAAAAooo"


def test_metric_math() -> None:
    # GIVEN a share that counts only from 20 requests a minute
    share = {"Id": "share", "Expression": "IF(requests >= 20, 100 * FILL(faults, 0) / requests, 0)", "ReturnData": True}
    alarm = _math(_query("requests", "Requests"), _query("faults", "Faults"), share)
    store = _store(Requests=[100, 100, 10, None], Faults=[None, 10, 10, 10])
    timeline = _timeline(alarm, store, 5)
    assert _letters(list(timeline.states)) == "ooAoo"
    # THEN the reason lists the values that crossed
    stretch = timeline.stretches[1]
    assert (stretch.begin, stretch.end, stretch.state) == (START + 120, START + 180, "ALARM")
    assert stretch.reason == f"1 of 1 points crossed (≥ 5, 1 of 1 needed): 10 at {_hour()}:01"


def _hour() -> str:
    return f"{START % 86400 // 3600:02d}"


def test_reasons() -> None:
    timeline = _timeline(_alarm(EvaluationPeriods=3, DatapointsToAlarm=2), _store(Faults=[9, 8, 1, 1, 1]), 6)
    filled = "1 before the start"
    assert [stretch.reason for stretch in timeline.stretches] == [
        "no data in 5 minutes; 3 before the start",
        f"2 of 2 points crossed (≥ 5, 2 of 3 needed): 8 at {_hour()}:01, 9 at {_hour()}:00; {filled}",
        f"1 of 3 points crossed (≥ 5, 2 of 3 needed): 8 at {_hour()}:01",
    ]
    assert [stretch.state for stretch in timeline.stretches] == ["OK", "ALARM", "OK"]


def test_composites() -> None:
    # GIVEN two alarms, composites of them, and a composite of a composite that sorts after it
    rules = {
        "any": 'ALARM("faunalens-dev-both")',
        "both": 'ALARM("faunalens-dev-a") AND ALARM("faunalens-dev-b")',
        "one": '(ALARM("faunalens-dev-a") OR ALARM("faunalens-dev-b")) AND NOT ALARM("faunalens-dev-both")',
        "unknown": 'INSUFFICIENT_DATA("faunalens-dev-b") AND OK("faunalens-dev-a")',
    }
    a, b = _alarm("Faults"), _alarm("CacheErrors", TreatMissingData="missing")
    store = _store(Faults=[0, 9, 9, 9, 0], CacheErrors=[None, None, 9, 0, 9])
    found = timelines_of(_files(rules, a=a, b=b), store, START, START + 360)
    courses = {name: _letters(list(timeline.states)) for name, timeline in found.items()}
    alone = {"a": "ooAAAo", "b": "???AoA"}
    assert courses == {**alone, "both": "oooAoo", "any": "oooAoo", "one": "ooAoAA", "unknown": "AAoooo"}


def test_states_begin_with_the_minute_that_start_is_in() -> None:
    timeline = timelines_of(_files(a=_alarm()), _store(Faults=[9]), START + 59.5, START + 61)["a"]
    assert timeline.stretches[0].begin == START
    assert _letters(list(timeline.states)) == "oA"
    assert timelines_of(_files(a=_alarm()), _store(Faults=[9]), START, START)["a"].states == []


@pytest.mark.parametrize(
    ("alarm", "message"),
    [
        (_alarm(ComparisonOperator="LessThanLowerThreshold"), "is invalid: KeyError('LessThanLowerThreshold'); run"),
        (_alarm(Period=10), "has a period of 10 s; use a multiple of 60 s"),
        ({key: value for key, value in _alarm().items() if key != "Period"}, "is invalid: KeyError('Period')"),
        (
            _math(_query("a", "Faults"), _query("b", "Requests", 300), {"Id": "e", "Expression": "a + b"}),
            "is invalid: ValueError('too many values to unpack",
        ),
        (_math(_query("a", "Faults"), {"Id": "e", "Expression": "[a, a]"}), "which does not return one series"),
        (_math(_query("a", "Faults"), {"Id": "e", "Expression": "a - MAX(a)"}), "MAX of one series cannot be used in"),
        (_math({"Id": "e"}), "metric 1 needs either a MetricStat or an Expression"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_named(alarm: dict[str, Any], message: str) -> None:
    with pytest.raises(AlarmError) as caught:
        _timeline(alarm, _store(Faults=[1]), 3)
    assert "alarm a" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"c": "ALARM("}, "a composite alarm is invalid: '(' was never closed"),
        ({"c": 'ALARM("faunalens-dev-z")'}, "refers to z, which is not an alarm of stage dev"),
        ({"c": 'OK("faunalens-dev-d")', "d": 'OK("faunalens-dev-c")'}, "nodes are in a cycle"),
    ],
)
def test_a_composite_that_cannot_be_evaluated_is_named(rules: dict[str, str], message: str) -> None:
    with pytest.raises(AlarmError) as caught:
        timelines_of(_files(rules, a=_alarm()), MetricStore(), START, START + 60)
    assert message in str(caught.value)


# What the page shows

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
    periods = [(each["from"], each["to"], each["state"]) for each in alarm["periods"]]
    assert periods == [(600_000, 660_000, "OK"), (660_000, 780_000, "ALARM"), (780_000, 900_000, "OK")]


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
    arns = [f"arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-{name}" for name in "ab"]
    shown = [{"type": "alarm", "properties": {"alarms": [arn]}} for arn in arns]
    names = alarms_of({"widgets": [{"type": "text", "properties": {}}, *shown]}, "prod")
    courses = {"a": timeline("ALARM"), "b": timeline("OK"), "c": timeline("ALARM")}
    assert names == ["a", "b"]
    assert count_states(courses, names) == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 1}


def test_firing_alarms_come_first_then_those_that_fired_longest() -> None:
    calm, past = timeline("OK"), timeline("ALARM", "OK")
    unsure, now = timeline("INSUFFICIENT_DATA"), timeline("OK", "ALARM")
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

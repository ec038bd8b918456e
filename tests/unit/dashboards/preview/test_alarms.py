"""States of alarms over time, and what the page shows of them."""

from itertools import groupby
from typing import Any

import pytest

from dashboards.files import Files
from dashboards.preview.alarms import (
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
from dashboards.preview.metric_alarm import AlarmError
from dashboards.series import MetricStore
from tests.unit.dashboards.metric_lines import DEV, metric_line

START = 1_764_000_000 // 3600 * 3600
HOUR = f"{START % 86400 // 3600:02d}"
DIMENSIONS = [{"Name": name, "Value": value} for name, value in DEV.items()]
type Points = list[float | None]


def _store(**metrics: Points) -> MetricStore:
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


def _math(expression: str, periods: tuple[int, int] = (60, 60), **changes: Any) -> dict[str, Any]:
    """Return an alarm on an expression over `requests` and `faults`."""
    queries: list[dict[str, Any]] = [{"Id": "result", "Expression": expression}]
    for metric, period in zip(("Requests", "Faults"), periods, strict=True):
        named = {"Namespace": "Faunalens", "MetricName": metric, "Dimensions": DIMENSIONS}
        stat = {"Metric": named, "Period": period, "Stat": "Sum"}
        queries.append({"Id": metric.lower(), "MetricStat": stat, "ReturnData": False})
    single = ("Namespace", "MetricName", "Dimensions", "Period", "Statistic")
    return {key: value for key, value in _alarm(**changes).items() if key not in single} | {"Metrics": queries}


def _files(composites: dict[str, str] | None = None, **alarms: dict[str, Any]) -> Files:
    rules = {name: {"AlarmRule": rule} for name, rule in (composites or {}).items()}
    return Files(stage="dev", alarms=alarms, composites=rules)


def _timeline(alarm: dict[str, Any], store: MetricStore, minutes: int) -> Timeline:
    return timelines_of(_files(a=alarm), store, START, START + 60 * minutes)["a"]


def _letters(found: Timeline) -> str:
    return "".join({"OK": "o", "ALARM": "A", "INSUFFICIENT_DATA": "?"}[state] for state in found.states)


LOW: dict[str, Any] = {"ComparisonOperator": "LessThanThreshold", "Threshold": 1, "EvaluationPeriods": 3}
SHARE = "IF(requests >= 20, 100 * FILL(faults, 0) / requests, 0)"
ONCE: Points = [9, None, None, 0, None, None]


@pytest.mark.parametrize(
    ("alarm", "faults", "course"),
    [
        (_alarm(), [4, 5, 6], "ooAA"),
        (_alarm(ComparisonOperator="GreaterThanThreshold"), [4, 5, 6], "oooA"),
        (_alarm(ComparisonOperator="LessThanThreshold"), [4, 5, 6], "oAoo"),
        (_alarm(ComparisonOperator="LessThanOrEqualToThreshold"), [4, 5, 6], "oAAo"),
        # two of three, and three of three
        (_alarm(EvaluationPeriods=3, DatapointsToAlarm=2), [0, 9, 0, 9, 0, 0, 0, 9, 9], "ooooAooooA"),
        (_alarm(EvaluationPeriods=3), [9, 9, 0, 9, 9, 9], "ooooooA"),
        # an alarm of one period fetches three points, and a point counts as long as it is among them
        (_alarm(TreatMissingData="missing"), ONCE, "?AAAooo"),
        (_alarm(TreatMissingData="breaching"), ONCE, "?AAAooo"),
        (_alarm(), ONCE, "oAAAooo"),
        (_alarm(TreatMissingData="missing"), [9, *[None] * 6], "?AAA????"),
        (_alarm(TreatMissingData="ignore"), [9, *[None] * 6], "?AAAAAAA"),
        # six faults in one minute count as long as they are in a window of five
        (_alarm(Period=300, Threshold=6), [0, 0, 0, 6, *[0] * 7], "ooooAAAAAooo"),
    ],
)
def test_the_states_of_an_alarm(alarm: dict[str, Any], faults: Points, course: str) -> None:
    assert _letters(_timeline(alarm, _store(Faults=faults), len(course))) == course


@pytest.mark.parametrize("silent", [_alarm(TreatMissingData="breaching", **LOW), _math("FILL(faults, 0)", **LOW)])
def test_no_alarm_comes_from_the_minutes_before_the_recording(silent: dict[str, Any]) -> None:
    # GIVEN an alarm that fires after three minutes without a run, and a recording of requests without any
    course = _letters(_timeline(silent, _store(Requests=[1] * 6), 7))
    # THEN it is on once three minutes of the recording had none, and not before
    assert (course.index("A"), course.count("A")) == (3, 4)


def test_metric_math() -> None:
    # GIVEN a share that counts only from 20 requests a minute
    store = _store(Requests=[100, 100, 10, None], Faults=[None, 10, 10, 10])
    timeline = _timeline(_math(SHARE), store, 5)
    # THEN the reason lists the values that crossed
    reason = f"1 of 1 points crossed (≥ 5, 1 of 1 needed): 10 at {HOUR}:01"
    assert _letters(timeline) == "ooAoo"
    assert timeline.stretches[1] == Stretch(START + 120, START + 180, "ALARM", reason)


def test_reasons() -> None:
    timeline = _timeline(_alarm(EvaluationPeriods=3, DatapointsToAlarm=2), _store(Faults=[9, 8, 1, 1, 1]), 6)
    assert [(stretch.state, stretch.reason) for stretch in timeline.stretches] == [
        ("OK", "no data in 5 minutes; 3 before the start"),
        ("ALARM", f"2 of 2 points crossed (≥ 5, 2 of 3 needed): 8 at {HOUR}:01, 9 at {HOUR}:00; 1 before the start"),
        ("OK", f"1 of 3 points crossed (≥ 5, 2 of 3 needed): 8 at {HOUR}:01"),
    ]


def test_composites() -> None:
    # GIVEN two alarms, composites of them, and a composite of a composite that sorts after it
    rules = {
        "any": 'ALARM("faunalens-dev-both")',
        "both": 'ALARM("faunalens-dev-a") AND ALARM("faunalens-dev-b")',
        "one": '(ALARM("faunalens-dev-a") OR ALARM("faunalens-dev-b")) AND NOT ALARM("faunalens-dev-both")',
        "unknown": 'INSUFFICIENT_DATA("faunalens-dev-b") AND OK("faunalens-dev-a")',
    }
    files = _files(rules, a=_alarm("Faults"), b=_alarm("CacheErrors", TreatMissingData="missing"))
    store = _store(Faults=[0, 9, 9, 9, 0], CacheErrors=[None, None, 9, 0, 9])
    found = {name: _letters(each) for name, each in timelines_of(files, store, START, START + 360).items()}
    alone = {"a": "ooAAAo", "b": "???AoA"}
    assert found == {**alone, "both": "oooAoo", "any": "oooAoo", "one": "ooAoAA", "unknown": "AAoooo"}


def test_states_begin_with_the_minute_that_start_is_in() -> None:
    begins = [timelines_of(_files(a=_alarm()), _store(Faults=[9]), START + 59.5, START + end) for end in (61, 0)]
    assert [(_letters(each["a"]), each["a"].stretches[:1]) for each in begins] == [
        ("oA", [Stretch(START, START + 60, "OK", "no data in 3 minutes; 1 before the start")]),
        ("", []),
    ]


@pytest.mark.parametrize(
    ("rules", "alarm", "message"),
    [
        ({}, _alarm(ComparisonOperator="LessThanLowerThreshold"), "preview does not support LessThanLowerThreshold"),
        ({}, _alarm(TreatMissingData="often"), "with TreatMissingData often"),
        ({}, _alarm(Period=10), "alarm a has a period of 10 s; use a multiple of 60 s"),
        ({}, {"MetricName": "Faults"}, "alarm a is invalid: KeyError"),
        ({}, _math("faults + requests", (60, 300)), "alarm a is invalid: ValueError('too many values to unpack"),
        ({}, _math("[faults, faults]"), "which does not return one series"),
        ({}, _math("faults - MAX(faults)"), "MAX of one series cannot be used in"),
        ({"c": "ALARM("}, _alarm(), "a composite alarm is invalid: '(' was never closed"),
        ({"c": 'ALARM("faunalens-dev-z")'}, _alarm(), "refers to z, which is not an alarm of stage dev"),
        ({"c": 'OK("faunalens-dev-d")', "d": 'OK("faunalens-dev-c")'}, _alarm(), "nodes are in a cycle"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_named(rules: dict[str, str], alarm: dict[str, Any], message: str) -> None:
    with pytest.raises(AlarmError) as caught:
        timelines_of(_files(rules, a=alarm), _store(Faults=[1]), START, START + 180)
    assert message in str(caught.value)


# What the page shows

ALARM = _alarm(
    "CacheErrors",
    AlarmDescription="Redis fails requests. What to do: runbook#cache-errors",
    EvaluationPeriods=5,
    DatapointsToAlarm=3,
)


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
        (_math("100 * faults", (300, 300), **LOW), "result < 1, 5 min a point in 3 of 3"),
        ({"AlarmRule": 'ALARM("faunalens-prod-page") OR OK("faunalens-prod-a-b")'}, "ALARM(page) OR OK(a-b)"),
    ],
)
def test_a_rule_is_one_line(alarm: dict[str, Any], rule: str) -> None:
    assert describe_rule("a", alarm) == rule


def test_a_dashboards_alarms_are_counted_by_state() -> None:
    arns = [f"arn:aws:cloudwatch:r:1:alarm:faunalens-STAGENAME-{name}" for name in "ab"]
    names = alarms_of({"widgets": [{"type": "text"}, {"type": "alarm", "properties": {"alarms": arns}}]}, "prod")
    courses = {"a": timeline("ALARM"), "b": timeline("OK"), "c": timeline("ALARM")}
    assert names == ["a", "b"]
    assert count_states(courses, names) == {"ALARM": 1, "INSUFFICIENT_DATA": 0, "OK": 1}


def test_firing_alarms_come_first_then_those_that_fired_longest() -> None:
    courses = [timeline("OK"), timeline("ALARM", "OK"), timeline("INSUFFICIENT_DATA"), timeline("OK", "ALARM")]
    assert sorted(courses, key=urgency) == list(reversed(courses))


def test_alarms_that_begin_together_are_one_incident() -> None:
    # GIVEN two alarms that fire within minutes, one that fires an hour later, and one that never does
    calm: list[State] = ["OK"] * 70
    courses: dict[str, list[State]] = {
        "a": ["OK", "ALARM", "OK"],
        "b": ["OK", "OK", "OK", "ALARM"],
        "c": [*calm, "ALARM"],
        "d": ["OK"],
    }
    # THEN each incident names its alarms and shows the minutes after its begin
    found = incidents_of({name: timeline(*course, name=name) for name, course in courses.items()})
    assert [tuple(each) for each in found] == [(660, "a, b", 960), (4800, "c", 5100)]

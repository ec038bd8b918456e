"""States of alarms over time, with each treatment of missing data."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.alarms import (
    ALARM,
    EXTRA_POINTS,
    INSUFFICIENT_DATA,
    OK,
    RETAIN,
    AlarmError,
    Evaluations,
    MetricAlarm,
    Stretch,
    Timeline,
    timelines_of,
)
from dashboards.files import Files
from dashboards.graphed_metrics import GraphedMetric
from dashboards.series import MetricStore
from tests.unit.dashboards.metric_lines import DEV, minutes_of

START = 1_764_000_000 // 3600 * 3600
HOUR = f"{START % 86400 // 3600:02d}"
DIMENSIONS = [{"Name": name, "Value": value} for name, value in DEV.items()]
type Points = list[float | None]


def _store(**metrics: Points) -> MetricStore:
    """Return metrics with one sample in the middle of each minute from START on; None is a missing sample."""
    return minutes_of(START + 30, metrics)


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
        (_alarm(TreatMissingData="missing"), [9, None, None, 0, None, None], "?AAAooo"),
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


def test_reasons_list_the_values_that_crossed() -> None:
    # GIVEN a share that counts only from 20 requests a minute
    store = _store(Requests=[100, 100, 10, None], Faults=[None, 10, 10, 10])
    timeline = _timeline(_math("IF(requests >= 20, 100 * FILL(faults, 0) / requests, 0)"), store, 5)
    reason = f"1 of 1 points crossed (≥ 5, 1 of 1 needed): 10 at {HOUR}:01"
    assert _letters(timeline) == "ooAoo"
    assert timeline.stretches[1] == Stretch(START + 120, START + 180, "ALARM", reason)
    # AND an alarm on two of three faults
    timeline = _timeline(_alarm(EvaluationPeriods=3, DatapointsToAlarm=2), _store(Faults=[9, 8, 1, 1, 1]), 6)
    assert [(stretch.state, stretch.reason) for stretch in timeline.stretches] == [
        ("OK", "no data in 5 minutes"),
        ("ALARM", f"2 of 2 points crossed (≥ 5, 2 of 3 needed): 8 at {HOUR}:01, 9 at {HOUR}:00"),
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
        ("oA", [Stretch(START, START + 60, "OK", "no data in 3 minutes")]),
        ("", []),
    ]


@pytest.mark.parametrize(
    ("rules", "alarm", "message"),
    [
        (
            {},
            _alarm(ComparisonOperator="LessThanLowerThreshold"),
            "alarm a cannot be evaluated: KeyError('LessTh",
        ),
        ({}, {"MetricName": "Faults"}, "alarm a cannot be evaluated: KeyError"),
        ({}, _math("faults + requests", (60, 300)), "alarm a cannot be evaluated: too many values to unpack"),
        ({}, _math("[faults, faults]"), "[faults, faults] does not return one series; change it"),
        ({}, _math("faults - MAX(faults)"), "MAX of one series cannot be used in"),
        ({"c": "ALARM("}, _alarm(), "'(' was never closed"),
        ({"c": 'ALARM("faunalens-dev-z")'}, _alarm(), "alarm c cannot be evaluated: KeyError('z'); run `python -m"),
        ({"c": 'OK("faunalens-dev-d")', "d": 'OK("faunalens-dev-c")'}, _alarm(), "nodes are in a cycle"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_named(rules: dict[str, str], alarm: dict[str, Any], message: str) -> None:
    with pytest.raises(AlarmError) as caught:
        timelines_of(_files(rules, a=alarm), _store(Faults=[1]), START, START + 180)
    assert message in str(caught.value)


# The tables of the user guide

TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
LETTERS = {"0": 0.0, "X": 9.0, "-": np.nan}


def _verdict(points: str, total: int, needed: int, treatment: str) -> int:
    """Return the verdict on points as the user guide writes them: the oldest first, X crosses."""
    values = np.array([[LETTERS[letter] for letter in reversed(points)]])
    alarm = MetricAlarm([], GraphedMetric(0), total, needed, "GreaterThanThreshold", 5.0, treatment)
    known = np.ones(values.shape, np.bool_)
    return int(Evaluations(alarm, values, np.zeros(values.shape, np.int64), known).verdicts()[0])


@pytest.mark.parametrize(
    ("needed", "points", "missing", "ignore", "breaching", "not_breaching"),
    [
        (3, "0-X-X", OK, OK, OK, OK),
        (3, "0----", OK, OK, OK, OK),
        (3, "-----", INSUFFICIENT_DATA, RETAIN, ALARM, OK),
        (3, "0XX-X", ALARM, ALARM, ALARM, ALARM),
        (3, "----X", INSUFFICIENT_DATA, RETAIN, ALARM, OK),
        (3, "X----", ALARM, RETAIN, ALARM, OK),
        (3, "--X--", ALARM, RETAIN, ALARM, OK),
        (2, "0-X-X", ALARM, ALARM, ALARM, ALARM),
        (2, "00X0X", ALARM, ALARM, ALARM, ALARM),
        (2, "0-X--", OK, OK, ALARM, OK),
        (2, "----0", OK, OK, ALARM, OK),
        (2, "---X-", ALARM, RETAIN, ALARM, OK),
        (2, "----X", INSUFFICIENT_DATA, RETAIN, ALARM, OK),
    ],
)
def test_the_tables_of_the_guide(  # for alarms on 3 and on 2 of 3 points
    needed: int, points: str, missing: int, ignore: int, breaching: int, not_breaching: int
) -> None:
    expected = {"missing": missing, "ignore": ignore, "breaching": breaching, "notBreaching": not_breaching}
    assert {treatment: _verdict(points, 3, needed, treatment) for treatment in TREATMENTS} == expected


@given(st.data(), st.integers(1, 5))
def test_with_enough_points_the_treatment_does_not_matter(data: st.DataObject, total: int) -> None:
    needed = data.draw(st.integers(1, total))
    points = data.draw(st.lists(st.sampled_from("0X"), min_size=total, max_size=total + EXTRA_POINTS).map("".join))
    rest = "-" * (total + EXTRA_POINTS - len(points))
    expected = ALARM if points[-total:].count("X") >= needed else OK
    assert {_verdict(rest + points, total, needed, treatment) for treatment in TREATMENTS} == {expected}

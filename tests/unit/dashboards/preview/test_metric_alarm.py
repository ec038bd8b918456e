"""Verdicts on the points of an alarm, with each treatment of missing data."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.graphed_metrics import GraphedMetric
from dashboards.preview.metric_alarm import (
    ALARM,
    EXTRA_POINTS,
    INSUFFICIENT_DATA,
    OK,
    RETAIN,
    Evaluations,
    MetricAlarm,
    Treatment,
)

TREATMENTS: tuple[Treatment, ...] = get_args(Treatment.__value__)
LETTERS = {"0": 0.0, "X": 9.0, "-": np.nan}


def _verdict(points: str, total: int, needed: int, treatment: Treatment) -> int:
    """Return the verdict on points as the user guide writes them: the oldest first, X crosses."""
    values = np.array([[LETTERS[letter] for letter in reversed(points)]])
    alarm = MetricAlarm("a", [], GraphedMetric(0), total, needed, "GreaterThanThreshold", 5.0, treatment)
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

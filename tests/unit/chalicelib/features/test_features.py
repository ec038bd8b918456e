"""The season as a soft factor."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.codec import CellAnimals, Seasons
from chalicelib.features.features import Features, month_in

MONTHS = np.array([[0] * 6 + [255] + [51] * 5], np.uint8)


def features() -> Features:
    arrays = np.array([3, 5, 8], np.int32), np.array([1, 0.5, 1], np.float32), np.array([1, 1, 2], np.uint8)
    found = CellAnimals(1, "v1", ("DE",), *arrays, seasons=Seasons(np.array([5], np.int32), MONTHS))
    return Features("narrowed", "memory", found)


@pytest.mark.parametrize(
    ("month", "floor", "weight"), [(7, 0.2, 0.5), (1, 0.2, 0.1), (12, 0.2, 0.5 * 0.36), (1, 0.0, 0.0)]
)
def test_a_month_weighs_down_the_animals_with_a_season(month: int, floor: float, weight: float) -> None:
    # GIVEN three animals, of which the second has a season WHEN a photo is of that month
    found = features().in_month(month, floor)
    # THEN only its weight changes, and never below the floor's share
    assert found.found.weights.tolist() == pytest.approx([1, weight, 1])
    assert found.month == month
    assert found.found.weights.dtype == np.float32


@pytest.mark.parametrize(("month", "floor"), [(None, 0.2), (1, 1.0)])
def test_without_a_month_or_with_a_floor_of_1_nothing_changes(month: int | None, floor: float) -> None:
    before = features()
    assert before.in_month(month, floor) is before


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-07", 7),
        ("2026-12-31T23:59:59.5+02:00", 12),
        ("2026:07:14 09:30:00\0", 7),
        ("0000:00:00 00:00:00", None),
        ("2026-13", None),
        ("2026-071", None),
        ("July 2026", None),
        ("    :  :     :  :  ", None),
        ("", None),
    ],
)
def test_months_of_times(text: str, month: int | None) -> None:
    assert month_in(text) == month


@given(st.text())
def test_any_text_is_a_month_or_none(text: str) -> None:
    assert month_in(text) in (None, *range(1, 13))

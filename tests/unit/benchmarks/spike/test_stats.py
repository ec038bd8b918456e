"""Figures of a load test, on events counted by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.spike import stats
from benchmarks.spike.stats import LEVELS, QUERY, REQUEST


def queries(*each: tuple[float, float, int]) -> NDArray[np.void]:
    return np.array(list(each), QUERY)


def requests(*each: tuple[float, int, str]) -> NDArray[np.void]:
    """Return requests from start, cell and level; each takes a tenth of its start."""
    return np.array([(start, start / 10, 0.0, cell, LEVELS.index(level)) for start, cell, level in each], REQUEST)


def test_the_peak_of_a_cell_counts_its_own_queries() -> None:
    # GIVEN queries of two cells that overlap, one of which starts as another ends
    assert stats.peak_of_a_cell(queries((0.0, 2.0, 1), (1.0, 3.0, 2), (3.0, 4.0, 1))) == 1
    assert stats.peak_of_a_cell(queries((0.0, 2.0, 1), (1.0, 3.0, 1))) == 2
    assert stats.peak_of_a_cell(queries()) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=30))
def test_the_peak_is_what_counting_at_every_moment_finds(spans: Sequence[tuple[int, int]]) -> None:
    found = stats.peak(queries(*((start, start + length, 1) for start, length in spans)))
    by_hand = (sum(start <= moment < start + length for start, length in spans) for moment in range(71))
    assert found == max(by_hand)


def test_the_shortest_gap_is_within_a_cell() -> None:
    # GIVEN queries of two cells in any order; THEN the gap from an end to the next start for the same cell counts
    assert stats.shortest_gap(queries((9.0, 9.5, 1), (0.0, 1.0, 1), (1.1, 2.0, 2), (7.0, 8.0, 2))) == pytest.approx(5.0)
    assert stats.shortest_gap(queries((0.0, 1.0, 1), (0.5, 2.0, 1))) == pytest.approx(-0.5)
    assert stats.shortest_gap(queries((0.0, 1.0, 1))) == float("inf")


def test_one_query_a_ttl_is_one() -> None:
    # GIVEN a cell with requests during three TTLs of 10 s, and another with one: they need at most five queries
    some = requests((0.0, 1, "miss"), (15.0, 1, "hit"), (30.0, 1, "hit"), (5.0, 2, "miss"))
    five = queries(*((moment, moment + 1, 1) for moment in (0.0, 10.0, 20.0, 30.0)), (5.0, 6.0, 2))
    assert stats.queries_per_ttl(five, some, 10.0) == pytest.approx(1.0)
    assert stats.queries_per_ttl(np.concatenate([five, five]), some, 10.0) == pytest.approx(2.0)


def test_hits_are_requests_without_the_database() -> None:
    some = requests((0.1, 1, "miss"), (0.2, 1, "hit"), (1.1, 1, "stale"), (1.2, 1, "memory"), (3.1, 1, "degraded"))
    assert stats.hit_share(some) == pytest.approx(3 / 5)
    assert stats.p99(requests((10.0, 1, "hit"), (10.0, 1, "hit"))) == pytest.approx(1000.0)

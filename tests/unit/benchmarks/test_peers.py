"""The figures of the comparison with other servers, on loads made by hand."""

import pytest

from benchmarks.backends import Load
from benchmarks.peers.__main__ import Figures, tables

OURS = Figures(rate=120, p50=60, p99=90, cpu=12.0, memory=100, failed=0)
FAST = Figures(rate=100, p50=50, p99=100, cpu=16.0, memory=400, failed=0)
SMALL = Figures(rate=80, p50=80, p99=180, cpu=10.0, memory=200, failed=3)


def test_processor_time_counts_all_requests_and_percentiles_only_those_after_the_warm_up() -> None:
    # GIVEN 101 requests of 0 to 100 ms, and 99 of the warm-up
    load = Load(50.0, [number / 1000 for number in range(101)], answered=200, failed=0)
    found = Figures.of(load, server_cpu=2.0, memory=300.0)
    assert found == pytest.approx((50.0, 50.0, 99.0, 10.0, 300.0, 0))


def test_each_load_has_a_table_in_which_each_figure_has_its_own_median() -> None:
    *_, ours, quick = next(tables({8: {"ours": [OURS, FAST, SMALL], "quick": [FAST]}})).splitlines()
    assert [cell.strip() for cell in ours.split("|")[1:-1]] == [
        *("ours", "100", "60 ms", "100 ms", "12.0 ms", "200 MB", "0")
    ]
    assert "50 ms" in quick

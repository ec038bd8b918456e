"""The figures of the comparison with other servers, on loads made by hand, and of a process and its children."""

import subprocess
import sys

import pytest

from benchmarks.peers.client import Load
from benchmarks.peers.figures import HEADERS, Figures, cpu_seconds, medians, peak_memory, rows_of

CHILD = "import sys; data = bytearray(60_000_000); sum(range(5_000_000)); print('ready', flush=True); sys.stdin.read()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
OURS = Figures(rate=120, p50=60, p99=90, cpu=12.0, memory=100, failed=0)
FAST = Figures(rate=100, p50=50, p99=100, cpu=16.0, memory=400, failed=0)
SMALL = Figures(rate=80, p50=80, p99=180, cpu=10.0, memory=200, failed=3)


def test_processor_time_counts_all_requests_and_percentiles_only_those_after_the_warm_up() -> None:
    # GIVEN 101 requests of 0 to 100 ms, and 99 of the warm-up
    load = Load(50.0, [number / 1000 for number in range(101)], answered=200, failed=0)
    found = Figures.of(load, server_cpu=2.0, memory=300.0)
    assert found == pytest.approx((50.0, 50.0, 99.0, 10.0, 300.0, 0))


def test_each_figure_has_its_own_median() -> None:
    assert medians([OURS, FAST, SMALL]) == Figures(100, 60, 100, 12.0, 200, 0)


def test_the_table_ends_with_the_ratios() -> None:
    rows = rows_of({"ours": OURS, "fast": FAST}, ["fast"])
    assert rows[0] == ["ours", "120", "60 ms", "90 ms", "12.0 ms", "100 MB", "0"]
    assert rows[-1] == ["ours ÷ best peer", "1.20", "1.20", "0.90", "0.75", "0.25", ""]
    assert {len(row) for row in rows} == {len(HEADERS) + 1}


def test_each_way_of_ours_is_compared_and_without_peers_nothing_is() -> None:
    rows = rows_of({"ours": OURS, "ours, quick": FAST, "small": SMALL}, ["small"])
    assert [row[:2] for row in rows[-2:]] == [["ours ÷ best peer", "1.50"], ["ours, quick ÷ best peer", "1.25"]]
    assert len(rows_of({"ours": OURS}, ["small"])) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_children_count() -> None:
    # GIVEN a process whose child has used a processor and memory
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with peak_memory(process.pid) as peak:
            pass
        assert 60 < peak() < 200
        assert cpu_seconds(process.pid) > 0.02
        process.communicate()

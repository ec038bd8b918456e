"""Timing in turns, and tables with one baseline."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import measure


def test_cases_take_turns_and_the_order_rotates() -> None:
    # GIVEN three cases that note their name; WHEN they are timed for three rounds after one to warm up
    ran: list[str] = []
    cases = {name: (lambda name=name: ran.append(name)) for name in "abc"}
    times = measure.interleaved(cases, 3, warm_up=1, before=lambda: ran.append("-"))
    # THEN each runs once a round behind `before`, none always comes first, and the round to warm up is not timed
    assert "".join(ran) == "-a-b-c-b-c-a-c-a-b-a-b-c"
    assert {name: len(taken) for name, taken in times.items()} == {"a": 3, "b": 3, "c": 3}


def test_the_first_case_is_the_baseline_and_a_miss_is_stated() -> None:
    # GIVEN a baseline, a case within its limit and one beyond; THEN the table says which is which
    times = {"bare": [0.1, 0.2, 0.3], "near": [0.21], "far": [0.5]}
    _, _, *rows = measure.comparison("what", times, {"near": 1.1, "far": 1.5}).splitlines()
    assert [[cell.strip() for cell in row.split("|")[1:-1]] for row in rows] == [
        ["bare", "200.00 ms", "1.00", "", ""],
        ["near", "210.00 ms", "1.05", "at most 1.10", "met"],
        ["far", "500.00 ms", "2.50", "at most 1.50", "MISSED"],
    ]
    assert "target" not in measure.comparison("what", times)
    # AND a figure without a target has no verdict
    (row,) = measure.targets("n", [("a", "1,000", "", None)]).splitlines()[2:]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["a", "1,000", "", ""]


def test_the_default_of_an_option_says_what_it_takes() -> None:
    known: dict[str, Any] = {"rounds": (3, ""), "query_ms": (0.5, ""), "clients": ([1, 8], ""), "photo": (Path, "")}
    found = measure.options("Doc.", ["--query-ms", "2", "--clients", "4", "--photo", "x.jpg"], **known)
    assert vars(found) == {"photo": Path("x.jpg"), "rounds": 3, "query_ms": 2.0, "clients": [4]}


CHILD = "import sys; data = bytearray(60_000_000); sum(range(5_000_000)); print('ready', flush=True); sys.stdin.read()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_processor_time_and_memory_of_children_count() -> None:
    # GIVEN a process whose child has used a processor and memory
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with measure.peak_memory(process.pid) as peak:
            pass
        assert 60 < peak() < 200
        assert measure.cpu_seconds(process.pid) > 0.02
        process.communicate()

"""How long a process took to get ready: without the time in which nobody asked, and told once."""

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep

import pytest

from chalicelib.telemetry.cold_start import Start


def test_what_is_built_while_importing_counts_once() -> None:
    # GIVEN parts that are built before everything has been imported
    start = Start(perf_counter() - 1.0)
    assert start.timed(lambda: "parts") == "parts"
    # WHEN it has been THEN the time since the beginning is told
    start.imported()
    assert start.tell() == pytest.approx(1.0, abs=0.5)


def test_the_time_in_which_nobody_asked_does_not_count() -> None:
    # GIVEN a process that was ready to be asked long ago
    start = Start(perf_counter())
    start.imported()
    imported = perf_counter()
    while perf_counter() < imported + 0.05:
        sleep(0.01)
    # WHEN the first request has the parts built THEN only that counts besides
    start.timed(lambda: None)
    seconds = start.tell()
    assert seconds is not None
    assert seconds < 0.05


def test_only_the_first_is_told() -> None:
    start = Start(perf_counter())
    start.imported()
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: start.tell(), range(50)))
    assert sum(each is not None for each in told) == 1

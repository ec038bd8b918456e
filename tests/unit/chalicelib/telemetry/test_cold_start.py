"""Initialisation time: without idle time, and reported once."""

from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep

import pytest

from chalicelib.telemetry.cold_start import ColdStart


def test_what_is_built_during_the_import_counts_once() -> None:
    # GIVEN services that are built during the import
    cold_start = ColdStart(perf_counter() - 1.0)
    assert cold_start.measure(lambda: "services") == "services"
    # WHEN the import is over THEN the whole time since its beginning is reported
    cold_start.mark_imported()
    assert cold_start.pop_seconds() == pytest.approx(1.0, abs=0.5)


def test_idle_time_after_the_import_does_not_count() -> None:
    # GIVEN a process that was idle after its import
    cold_start = ColdStart(perf_counter())
    cold_start.mark_imported()
    imported = perf_counter()
    while perf_counter() < imported + 0.05:
        sleep(0.01)
    # WHEN the first request builds the services THEN only the import and the build count
    cold_start.measure(lambda: None)
    seconds = cold_start.pop_seconds()
    assert seconds is not None
    assert seconds < 0.05


def test_only_the_first_call_returns_the_time() -> None:
    cold_start = ColdStart(perf_counter())
    cold_start.mark_imported()
    with ThreadPoolExecutor(8) as pool:
        seconds = list(pool.map(lambda _: cold_start.pop_seconds(), range(50)))
    assert sum(each is not None for each in seconds) == 1

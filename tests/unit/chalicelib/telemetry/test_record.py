"""What a request adds to which metric by its end and its steps, and what a cold start takes."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep
from typing import Any

import pytest

from chalicelib.errors import Unavailable
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import ColdStart, Failure, Record


def emitted(record: Record) -> dict[str, Any]:
    """The first line, which has everything."""
    stream = io.StringIO()
    Emitter("faunalens", "test", stream).emit(record.summary())
    return dict(json.loads(stream.getvalue().splitlines()[0]))


def test_a_request_that_did_nothing_is_a_request() -> None:
    line = emitted(Record("r-1", "/identify"))
    assert (line["service"], line["stage"], line["Requests"], line["Faults"]) == ("faunalens", "test", 1, 0)
    assert (line["request_id"], line["route"]) == ("r-1", "/identify")


def test_blocks_of_one_step_add_up_even_if_one_raises() -> None:
    record = Record("r", "/")

    with record.step("photo"):
        pass
    before = record.seconds["photo"]
    with pytest.raises(ValueError), record.step("photo"):
        raise ValueError
    assert record.seconds["photo"] > before
    assert "PhotoLatency" in emitted(record)


def test_how_long_s3_took_is_told_even_if_it_failed_and_is_no_metric() -> None:
    record = Record("r", "/uploads/{id}/identify", seconds={"fetch": 0.1234})
    record.failure = Failure.of(Unavailable("come again"))
    line = emitted(record)
    assert (line["fetch_ms"], line["Faults"]) == (123.4, 1)
    assert "FetchLatency" not in line


def test_a_cold_start_is_told_with_the_time_it_took() -> None:
    cold, warm = Record("r-1", "/identify", initialisation=0.25), Record("r-2", "/identify")
    assert (emitted(cold)["ColdStarts"], emitted(cold)["InitLatency"]) == (1, 250.0)
    assert emitted(warm)["ColdStarts"] == 0
    assert "InitLatency" not in emitted(warm)


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

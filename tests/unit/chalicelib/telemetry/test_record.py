"""What a request adds to which metric by its end and its steps, and what a cold start takes."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
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


def test_blocks_of_one_step_add_up_even_if_one_raises() -> None:
    record = Record("r", "/")

    with record.step("photo"):
        pass
    before = record.seconds["photo"]
    with pytest.raises(ValueError), record.step("photo"):
        raise ValueError
    assert record.seconds["photo"] > before
    assert "PhotoLatency" in emitted(record)


def test_a_cold_start_has_the_time_it_took_and_a_fetch_from_s3_too_though_it_failed() -> None:
    cold = Record("r-1", "/uploads/{id}/identify", seconds={"fetch": 0.1234}, initialisation=0.25)
    cold.failure = Failure.of(Unavailable("come again"))
    line, warm = emitted(cold), emitted(Record("r-2", "/identify"))
    assert line.items() >= {"fetch_ms": 123.4, "Faults": 1, "ColdStarts": 1, "InitLatency": 250.0}.items()
    assert (warm["ColdStarts"], {"InitLatency", "FetchLatency"} & {*warm, *(line.keys() - {"InitLatency"})}) == (
        0,
        set(),
    )


def test_only_the_import_and_the_build_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("chalicelib.telemetry.record.perf_counter", lambda: now[0])

    def build() -> str:
        now[0] += 0.25
        return "services"

    # GIVEN services that are built during an import of a second THEN the time since its beginning counts, once
    cold_start = ColdStart(99.0)
    assert cold_start.measure(build) == "services"
    cold_start.mark_imported()
    assert cold_start.pop_seconds() == 1.25
    # GIVEN a process that was idle after its import WHEN the first request builds them THEN idle time does not count
    cold_start = ColdStart(now[0])
    cold_start.mark_imported()
    now[0] += 60.0
    cold_start.measure(build)
    assert cold_start.pop_seconds() == 0.25


def test_only_the_first_call_returns_the_time() -> None:
    cold_start = ColdStart(perf_counter())
    cold_start.mark_imported()
    with ThreadPoolExecutor(8) as pool:
        seconds = list(pool.map(lambda _: cold_start.pop_seconds(), range(50)))
    assert sum(each is not None for each in seconds) == 1

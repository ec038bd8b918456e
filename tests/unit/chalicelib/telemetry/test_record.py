"""What a request, or a run of warming, adds to which metric; and nothing that tells where or who."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter, sleep
from typing import Any

import pytest

from chalicelib.errors import BadRequest, InternalError, Unavailable
from chalicelib.features.warming import WarmingReport
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import METRICS
from chalicelib.telemetry.record import ColdStart, Failure, Record
from chalicelib.telemetry.runs import BatchRecord, WarmingRecord
from testing.records import complete


def emitted(record: Record) -> dict[str, Any]:
    """The first line, which has everything."""
    stream = io.StringIO()
    Emitter("faunalens", "test", stream).emit(record)
    return dict(json.loads(stream.getvalue().splitlines()[0]))


def test_a_request_that_did_nothing_is_a_request() -> None:
    line = emitted(Record("r-1", "/identify"))
    assert (line["service"], line["stage"], line["Requests"], line["Faults"]) == ("faunalens", "test", 1, 0)
    assert (line["request_id"], line["route"]) == ("r-1", "/identify")


def test_errors_are_counted_by_whose_they_are() -> None:
    ours, theirs = Record("r", "/"), Record("r", "/")
    ours.failure, theirs.failure = Failure.of(InternalError("x")), Failure.of(BadRequest("x"))
    assert (emitted(ours)["Faults"], emitted(ours)["Rejections"]) == (1, 0)
    assert (emitted(theirs)["Faults"], emitted(theirs)["Rejections"]) == (0, 1)
    assert emitted(theirs)["code"] == "bad_request"
    assert theirs.dimensions() == {"route": "/", "code": "bad_request"}
    assert ours.dimensions() == {"route": "/"}


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


def test_a_run_of_warming_is_counted() -> None:
    report = WarmingReport(
        considered=9, refreshed=4, skipped=3, failed=2, queries=1, seconds=0.5, hits=10, warmed_hits=5
    )
    report.faults.append("redis_timeout")
    metrics = WarmingRecord("r-1", report).metrics()
    names = ("Runs", "Considered", "Refreshed", "Skipped", "Failed", "Queries", "Faults", "Useful", "Latency")
    assert [metrics[f"Warming{name}"] for name in names] == [1, 9, 4, 3, 2, 1, 1, 0.5, 500.0]


def test_warming_without_hits_has_no_share_of_them() -> None:
    assert "WarmingUseful" not in WarmingRecord("r-1", WarmingReport()).metrics()


def test_every_metric_is_emitted_by_something_and_nothing_else_is() -> None:
    # GIVEN a request that did everything, a run of warming, and a batch
    record, warmed = complete(), WarmingRecord("r-2", WarmingReport(hits=1))
    batch = BatchRecord("r-3", 1, 2, 3, 4, 5, seconds=0.1)
    # THEN together they have all metrics; and properties never have a metric's name
    assert record.metrics().keys() | warmed.metrics().keys() | batch.metrics().keys() == METRICS.keys()
    assert not (record.properties().keys() | warmed.properties().keys()) & METRICS.keys()


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

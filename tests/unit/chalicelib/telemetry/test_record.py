"""What a request adds to which metric by its end and its steps, and what a cold start takes."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter
from typing import Any, get_args

import pytest

from chalicelib.errors import Unavailable
from chalicelib.features.features import NO_LOCATION, CacheLevel, Features, Trace
from chalicelib.features.warming import WarmingReport
from chalicelib.shadow import of_comparison
from chalicelib.telemetry.drift import Shift, of_shift
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import METRICS
from chalicelib.telemetry.record import ColdStart, Failure, Record, of_batch, of_features, of_warming
from tests.support.records import CELL, OUTCOME, answered, complete


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


def values_of(record: Record) -> dict[str, Any]:
    return record.summary().metrics | record.summary().properties


def looked_up(features: Features) -> Record:
    record = Record("r-1", "/identify")
    record.note(of_features(CELL, features))
    return record


@pytest.mark.parametrize("level", get_args(CacheLevel))
def test_each_cache_level_is_counted_as_itself(level: CacheLevel) -> None:
    trace = Trace(queries=2, query_ms=3.5, lease_waits=4, lease_wait_ms=50.0, opened=("redis",), warmed=True)
    line = values_of(looked_up(replace(NO_LOCATION, mode="narrowed", cache=level, trace=trace)))
    names = ("MemoryHits", "CacheHits", "StaleHits", "CacheMisses", "CacheBypasses")
    assert [line[name] for name in names].count(1) == 1
    # AND so is what the lookup did
    did = {"DatabaseQueries": 2, "DatabaseLatency": 3.5, "LeaseWaits": 4, "BreakerOpenings": 1}
    assert line.items() >= did.items()


@pytest.mark.parametrize(
    ("faults", "cache", "database"),
    [
        ((), 0, 0),
        (("redis_timeout", "redis_breaker_open", "postgres_timeout"), 2, 1),
        (("value_corrupt", "version_corrupt"), 2, 0),
        (("lease_failed",), 0, 1),
        (("lease_timeout", "flight_timeout", "clock_skew"), 0, 0),
    ],
)
def test_faults_are_counted_by_whose_they_are(faults: tuple[str, ...], cache: int, database: int) -> None:
    line = values_of(looked_up(replace(NO_LOCATION, mode="degraded", faults=faults)))
    assert (line["CacheErrors"], line["DatabaseErrors"]) == (cache, database)
    assert line.get("faults", []) == list(faults)


@pytest.mark.parametrize(("has_animal", "none"), [(False, 1), (True, 0)])
def test_only_a_photo_that_shows_no_animal_counts_as_one_without(has_animal: bool, none: int) -> None:
    # GIVEN an answer without a prediction; WHEN its photo shows none, or an animal that is not named
    record = answered(OUTCOME._replace(rank=None, source="request", has_animal=has_animal))
    line = values_of(record)
    names = ("Identifications", "Predictions", "NoAnimal", "LocationFromRequest")
    assert [line[name] for name in names] == [1, 0, none, 1]
    assert "rank" not in record.summary().dimensions


@pytest.mark.parametrize(("rank", "value"), [("order", "other"), ("breed", "breed"), ("subtribe", "other")])
def test_ranks_that_are_rare_share_a_value(rank: str, value: str) -> None:
    record = answered(OUTCOME._replace(rank=rank))
    assert record.summary().dimensions["rank"] == value
    assert record.summary().properties["rank"] == rank


def test_only_a_predicted_animal_is_unexpected() -> None:
    # GIVEN a deer, which no model knows: the likeliest animal that one knows lives elsewhere, and deer live there
    deer = OUTCOME._replace(here="unexpected", rank="family")
    assert values_of(answered(deer))["UnexpectedAnimals"] == 0
    assert values_of(answered(deer._replace(is_unexpected=True)))["UnexpectedAnimals"] == 1


def test_every_metric_is_emitted_by_something_and_nothing_else_is() -> None:
    assert "WarmingUseful" not in of_warming("r-1", WarmingReport()).metrics  # it has no hits to be a share of
    # GIVEN a request that did everything, a run of warming, which looks for drift, a batch, and a version in shadow
    request, warmed = complete().summary(), of_warming("r-2", WarmingReport(hits=1))
    drift = of_shift("quality", Shift(0.3, "dark +30"), 500, 1)
    batch = of_batch("r-3", 0.1, identified=1, unreadable=2, skipped=3, failed=4, queries=5)
    # THEN together they have all metrics; and properties never have a metric's name
    shadow = of_comparison("model", "same", 0.1)
    together = (request, warmed, drift, batch, shadow)
    assert {name for each in together for name in each.metrics} == METRICS.keys()
    assert not {name for each in together for name in each.properties} & METRICS.keys()

"""What a request's photos, features and answer add to which metric; and nothing that shows where or who."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from chalicelib.features.features import NO_LOCATION, CacheLevel, Features, Trace
from chalicelib.features.warming import WarmingReport
from chalicelib.shadow import of_comparison
from chalicelib.telemetry.drift import Shift, of_shift
from chalicelib.telemetry.measures import of_batch, of_features, of_warming
from chalicelib.telemetry.metrics import METRICS
from chalicelib.telemetry.record import Record
from tests.support.records import CELL, OUTCOME, answered, complete


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

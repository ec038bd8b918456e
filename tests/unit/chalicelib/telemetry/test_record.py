"""What a request, or a run of warming, adds to which metric; and nothing that tells where or who."""

import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from time import perf_counter, sleep
from typing import Any, get_args

import pytest

from chalicelib.api.responses import Place
from chalicelib.config.settings import ROOT, PhotoLimits
from chalicelib.errors import BadRequest, InternalError, Unavailable
from chalicelib.features.features import NO_LOCATION, CacheLevel, Features, Mode, Trace
from chalicelib.features.warming import WarmingReport
from chalicelib.photo.decode import open_photo
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.metrics import METRICS
from chalicelib.telemetry.record import ColdStart, Failure, Record
from chalicelib.telemetry.runs import BatchRecord, WarmingRecord
from testing.pictures import SYDNEY, exif, jpeg
from testing.records import ANSWER, KOALA, KOALAS, answered, complete


def emitted(record: Record) -> dict[str, Any]:
    """The first line, which has everything."""
    stream = io.StringIO()
    Emitter("faunalens", "test", stream).emit(record)
    return dict(json.loads(stream.getvalue().splitlines()[0]))


def looked_up(features: Features) -> Record:
    return Record("r-1", "/identify", features=features)


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


@pytest.mark.parametrize("mode", get_args(Mode))
def test_each_mode_is_counted_as_itself(mode: Mode) -> None:
    line = emitted(looked_up(replace(NO_LOCATION, mode=mode)))
    modes = {name: line[name] for name in ("Narrowed", "NoLocation", "UnknownArea", "Degraded")}
    assert sum(modes.values()) == 1
    assert modes[mode.title().replace("_", "")] == 1


@pytest.mark.parametrize("level", get_args(CacheLevel))
def test_each_cache_level_is_counted_as_itself(level: CacheLevel) -> None:
    line = emitted(looked_up(replace(NO_LOCATION, mode="narrowed", cache=level)))
    names = ("MemoryHits", "CacheHits", "StaleHits", "CacheMisses", "CacheBypasses")
    assert [line[name] for name in names].count(1) == 1


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
    line = emitted(looked_up(replace(NO_LOCATION, mode="degraded", faults=faults)))
    assert (line["CacheErrors"], line["DatabaseErrors"]) == (cache, database)
    assert line.get("faults", []) == list(faults)


def test_every_fault_that_the_path_notes_by_itself_is_considered_here() -> None:
    # GIVEN the codes in the algorithm's own code (those of Redis and PostgreSQL begin with their names)
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "chalicelib" / "features").glob("*.py"))
    codes = set(re.findall(r'"((?:lease|flight|clock|value|version)_[a-z]+)"', text))
    # THEN the test above says of each what it counts as
    assert codes == {
        "lease_failed",
        "lease_timeout",
        "flight_timeout",
        "clock_skew",
        "value_corrupt",
        "version_corrupt",
    }


def test_a_photo_is_counted_and_its_place_is_not() -> None:
    record = Record("r", "/identify")
    record.photos = [open_photo(jpeg(exif=exif(SYDNEY)), PhotoLimits())]
    line = emitted(record)
    assert line["PhotoMegapixels"] == pytest.approx(0.12)
    assert line["PhotoBytes"] > 1000
    assert "33.8" not in json.dumps(line)
    assert "151.2" not in json.dumps(line)


def test_what_a_look_up_did_is_counted() -> None:
    trace = Trace(queries=2, query_ms=3.5, lease_waits=4, lease_wait_ms=50.0, opened=("redis",), warmed=True)
    line = emitted(looked_up(replace(NO_LOCATION, mode="narrowed", cache="miss", trace=trace)))
    names = ("DatabaseQueries", "DatabaseLatency", "LeaseWaits", "LeaseWaitLatency", "BreakerOpenings", "WarmedHits")
    assert [line[name] for name in names] == [2, 3.5, 4, 50.0, 1, 1]


def test_an_answer_is_counted_with_its_place_and_rank() -> None:
    line = emitted(answered())
    names = ("Identifications", "LocationFromExif", "LocationFromRequest", "Predictions", "NoAnimal", "TopScore")
    assert [line[name] for name in names] == [1, 1, 0, 1, 0, 0.97]
    assert (line["cell"], line["taxon"], line["rank"]) == ("83be0efffffffff", "phascolarctos-cinereus", "species")
    assert "center" not in line
    assert "33.8" not in json.dumps(line)


def test_no_animal_is_an_identification_without_a_prediction() -> None:
    record = answered(replace(ANSWER, prediction=None, location=Place("request", "83be0efffffffff", None, ())))
    line = emitted(record)
    assert (line["Identifications"], line["Predictions"], line["NoAnimal"], line["LocationFromRequest"]) == (1, 0, 1, 1)
    assert "rank" not in record.dimensions()


@pytest.mark.parametrize(("rank", "value"), [("kingdom", "kingdom"), ("breed", "breed"), ("subtribe", "other")])
def test_ranks_that_are_rare_share_a_value(rank: str, value: str) -> None:
    record = answered(replace(ANSWER, prediction=replace(KOALAS, rank=rank)))
    assert record.dimensions()["rank"] == value
    assert record.properties()["rank"] == rank


def test_only_a_predicted_animal_is_unexpected() -> None:
    escaped = replace(ANSWER, candidates=(replace(KOALA, here="unexpected"),))
    assert emitted(answered(escaped))["UnexpectedAnimals"] == 1
    assert emitted(answered(replace(escaped, prediction=None)))["UnexpectedAnimals"] == 0


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


def test_comparisons_with_a_dataset_in_shadow_are_counted_and_told() -> None:
    line = emitted(complete())
    assert (line["ShadowComparisons"], line["ShadowDifferences"], line["ShadowMisses"]) == (1, 1, 0)
    assert line["shadow_taxon"] == "Vombatus ursinus"
    # AND without one there is nothing of it
    assert not [name for name in emitted(answered()) if name.lower().startswith("shadow")]


def test_packs_second_looks_and_boxes_are_counted() -> None:
    metrics = emitted(complete())
    assert (metrics["PackRuns"], metrics["PackLatency"], metrics["SecondLooks"]) == (1, 18.2, 1)
    assert (metrics["Boxed"], metrics["AnimalsFound"], metrics["BoxLatency"]) == (1, 1, 61.0)
    # AND a plain answer has none of them, but says so
    plain = emitted(answered())
    assert (plain["PackRuns"], plain["SecondLooks"]) == (0, 0)
    assert not plain.keys() & {"PackLatency", "Boxed", "AnimalsFound", "BoxLatency"}


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

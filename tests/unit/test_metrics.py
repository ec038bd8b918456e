"""Metrics: one line a request, in CloudWatch's form, with nothing that tells where or who."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from chalicelib.errors import BadRequest, InternalError
from chalicelib.features import NO_LOCATION, CacheLevel, Mode
from chalicelib.metrics import METRICS, Emitter, Record, WarmingRecord
from chalicelib.photo import Limits, open_photo
from chalicelib.visit import Trace
from chalicelib.warming import Report
from tests.pictures import SYDNEY, exif, jpeg


def emitted(record: Record) -> dict[str, Any]:
    stream = io.StringIO()
    Emitter("faunalens", "test", stream).emit(record)
    (line,) = stream.getvalue().splitlines()
    return dict(json.loads(line))


def test_a_line_is_in_the_embedded_metric_format() -> None:
    # GIVEN a request that did nothing; WHEN its record is written
    line = emitted(Record("r-1", "/identify"))
    # THEN the line declares each metric with its unit under the two dimensions
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Faunalens"
    assert directive["Dimensions"] == [["service", "stage"]]
    assert {"Name": "Requests", "Unit": "Count"} in directive["Metrics"]
    assert (line["service"], line["stage"], line["Requests"], line["Faults"]) == ("faunalens", "test", 1, 0)
    assert (line["request_id"], line["route"]) == ("r-1", "/identify")


def test_errors_are_counted_by_whose_they_are() -> None:
    ours, theirs = Record("r", "/"), Record("r", "/")
    ours.error, theirs.error = InternalError("x"), BadRequest("x")
    assert (emitted(ours)["Faults"], emitted(ours)["Rejections"]) == (1, 0)
    assert (emitted(theirs)["Faults"], emitted(theirs)["Rejections"]) == (0, 1)
    assert emitted(theirs)["code"] == "bad_request"


def test_steps_of_a_stage_add_up_even_if_they_fail() -> None:
    record = Record("r", "/")

    def fail() -> None:
        raise ValueError

    record.timed("photo", lambda: None)
    before = record.seconds["photo"]
    with pytest.raises(ValueError):
        record.timed("photo", fail)
    assert record.seconds["photo"] > before
    assert "PhotoLatency" in emitted(record)


@pytest.mark.parametrize("mode", get_args(Mode))
def test_each_mode_is_counted_as_itself(mode: Mode) -> None:
    record = Record("r", "/identify")
    record.features = replace(NO_LOCATION, mode=mode, faults=("redis_timeout",))
    line = emitted(record)
    modes = {name: line[name] for name in ("Narrowed", "NoLocation", "UnknownArea", "Degraded")}
    assert sum(modes.values()) == 1
    assert modes[mode.title().replace("_", "")] == 1
    assert (line["DependencyFaults"], line["faults"]) == (1, ["redis_timeout"])


@pytest.mark.parametrize("level", get_args(CacheLevel))
def test_each_cache_level_is_counted_as_itself(level: CacheLevel) -> None:
    record = Record("r", "/identify")
    record.features = replace(NO_LOCATION, mode="narrowed", cache=level)
    line = emitted(record)
    names = ("MemoryHits", "CacheHits", "StaleHits", "CacheMisses", "CacheBypasses")
    assert [line[name] for name in names].count(1) == 1


def test_a_photo_is_counted_and_its_place_is_not() -> None:
    record = Record("r", "/identify")
    record.photo = open_photo(jpeg(exif=exif(SYDNEY)), Limits())
    line = emitted(record)
    assert line["PhotoMegapixels"] == pytest.approx(0.12)
    assert line["PhotoBytes"] > 1000
    assert "33.8" not in json.dumps(line)
    assert "151.2" not in json.dumps(line)


def test_what_a_look_up_did_is_counted() -> None:
    record = Record("r", "/identify")
    trace = Trace(queries=2, query_ms=3.5, lease_waits=4, lease_wait_ms=50.0, opened=("redis",), warmed=True)
    record.features = replace(NO_LOCATION, mode="narrowed", cache="miss", trace=trace)
    line = emitted(record)
    names = ("DatabaseQueries", "DatabaseLatency", "LeaseWaits", "LeaseWaitLatency", "BreakerOpenings", "WarmedHits")
    assert [line[name] for name in names] == [2, 3.5, 4, 50.0, 1, 1]


def test_a_run_of_warming_is_counted() -> None:
    report = Report(considered=9, refreshed=4, skipped=3, failed=2, queries=1, seconds=0.5, hits=10, warmed_hits=5)
    stream = io.StringIO()
    Emitter("faunalens", "test", stream).emit(WarmingRecord("r-1", report))
    line = json.loads(stream.getvalue())
    names = ("Considered", "Refreshed", "Skipped", "Failed", "Queries", "Useful", "Latency")
    assert [line[f"Warming{name}"] for name in names] == [9, 4, 3, 2, 1, 0.5, 500.0]


def test_warming_without_hits_has_no_share_of_them() -> None:
    assert "WarmingUseful" not in WarmingRecord("r-1", Report()).metrics()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_stays_out(value: float) -> None:
    record = Record("r", "/")
    record.seconds["scoring"] = value
    assert "ScoringLatency" not in emitted(record)


def test_lines_are_appended_to_a_file(tmp_path: Path) -> None:
    emitter = Emitter("faunalens", "test", tmp_path / "metrics.jsonl")
    emitter.emit(Record("r-1", "/"))
    emitter.emit(Record("r-2", "/"))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["request_id"] for line in lines] == ["r-1", "r-2"]


def test_standard_output_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    Emitter("faunalens", "test").emit(Record("r-1", "/"))
    assert json.loads(capsys.readouterr().out)["request_id"] == "r-1"


def test_every_metric_is_within_cloudwatchs_limits() -> None:
    assert len(METRICS) <= 100  # of one directive
    units = {"Count", "Milliseconds", "Bytes", "None"}
    assert {metric.unit for metric in METRICS.values()} <= units
    assert all(metric.help for metric in METRICS.values())

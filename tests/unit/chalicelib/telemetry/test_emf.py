"""Embedded metrics: valid lines, finite values, whole writes, and no state between records."""

import io
import json
import math
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import ROOT
from chalicelib.errors import AccessError, TaxonError, TransportError, http_errors
from chalicelib.model.naming import WIDEST
from chalicelib.model.taxonomy import RANKS
from chalicelib.routes import ROUTES
from chalicelib.telemetry.emf import Emitter, library
from chalicelib.telemetry.metrics import ALL_METRICS, COMMON, DIMENSIONS, METRICS, MOST, max_billed_metrics
from chalicelib.telemetry.record import Notes


def emitted(*records: Notes) -> list[dict[str, Any]]:
    """Return the parsed lines that one emitter writes for the records."""
    stream = io.StringIO()
    emitter = Emitter("faunalens", "test", stream, now=lambda: 1_800_000_000.5)
    for record in records:
        emitter.emit(record)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def directive_of(line: dict[str, Any]) -> dict[str, Any]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return dict(directive)


def test_each_further_dimension_has_a_small_line_of_its_own() -> None:
    # GIVEN metrics of which some have the dimension route, and a code that none of them has
    metrics = {"Requests": 1.0, "Latency": 3.5, "TopScore": 0.5}
    record = Notes(metrics, {"cell": "c"}, {"route": "/identify", "code": "x"})
    # WHEN it is written THEN only those are on the second line, and none of the properties
    main, by_route = emitted(record)
    assert [each["Name"] for each in directive_of(main)["Metrics"]] == ["Requests", "Latency", "TopScore"]
    assert directive_of(by_route)["Dimensions"] == [["service", "stage", "route"]]
    assert by_route.keys() == {"service", "stage", "route", "Requests", "Latency", "_aws"}
    assert (by_route["route"], by_route["Latency"]) == ("/identify", 3.5)
    # AND a value of a dimension that is not listed has none
    assert len(emitted(Notes({"Requests": 1}, dimensions={"route": "/surprise"}))) == 1


NUMBERS = st.floats() | st.integers(-(2**53), 2**53)


@given(
    st.dictionaries(st.sampled_from(sorted(METRICS)), NUMBERS),
    st.fixed_dictionaries(
        {}, optional={name: st.sampled_from(each.values or ("x",)) for name, each in DIMENSIONS.items()}
    ),
    st.dictionaries(st.sampled_from(["cell", "x", "y"]), st.none() | st.floats() | st.text() | st.lists(st.text())),
)
def test_any_record_is_json_and_finite(values: dict[str, float], by: dict[str, str], known: dict[str, Any]) -> None:
    # GIVEN any numbers WHEN they are written
    stream = io.StringIO()
    Emitter("faunalens", "test", stream).emit(Notes(values, known, by))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    # THEN each line is JSON without NaN or infinity; and every finite number is on the first
    lines = [json.loads(line, parse_constant=refuse) for line in stream.getvalue().splitlines()]
    finite = {name: value for name, value in values.items() if math.isfinite(value)}
    assert {name: lines[0][name] for name in METRICS if name in lines[0]} == finite
    for line in lines:
        assert {each["Name"] for each in directive_of(line)["Metrics"]} == METRICS.keys() & line.keys()


def test_lines_are_appended_and_each_record_is_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN standard output, which is the default, and a file
    record, file = Notes({"Requests": 1}, {"request_id": "r-1"}, {"route": "/identify"}), tmp_path / "metrics.jsonl"
    written = Mock(wraps=sys.stdout.write)
    monkeypatch.setattr(sys.stdout, "write", written)
    for emitter in (Emitter("faunalens", "test"), Emitter("faunalens", "test", file)):
        # WHEN two records are emitted THEN each has its two lines
        for _ in range(2):
            emitter.emit(record)
    for text in (capsys.readouterr().out, file.read_text()):
        assert [json.loads(line).get("request_id") for line in text.splitlines()] == ["r-1", None] * 2
    assert written.call_count == 2


def test_a_line_that_does_not_fit_on_the_disk_is_an_error(tmp_path: Path) -> None:
    # GIVEN a file size limit that cuts the line short
    emitter = Emitter("faunalens", "test", tmp_path / "metrics.jsonl")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        # WHEN a line is written THEN that is an error
        with pytest.raises(OSError, match="no space left"):
            emitter.emit(Notes({"Requests": 1}))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_can_be_serialized_without_importing_aiohttp() -> None:
    # GIVEN a fresh interpreter WHEN it imports the library and serializes a metric
    program = (
        "import sys; from chalicelib.telemetry.emf import Emitter; from chalicelib.telemetry.record import Notes;"
        "Emitter('faunalens', 'test', sys.stderr).emit(Notes({'Requests': 1})); print('aiohttp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    # THEN aiohttp was not imported
    assert done.stdout == "False\n"


def test_the_library_accepts_all_metrics_of_the_registry() -> None:
    # WHEN the library checks names and units, as the emitter does not at each request THEN it raises nothing
    context_type, *_ = library()
    context = context_type()
    for name, metric in ALL_METRICS.items():
        context.put_metric(name, 1.0, metric.unit)
    assert context.metrics.keys() == ALL_METRICS.keys()


def test_every_metric_is_within_cloudwatchs_limits_and_its_name_has_its_unit() -> None:
    assert len(METRICS) <= MOST < 100  # of one directive
    assert max_billed_metrics() <= MOST == 90
    assert {metric.unit for metric in METRICS.values()} <= {"Count", "Milliseconds", "Bytes", "None"}
    for name, metric in ALL_METRICS.items():
        assert (metric.unit == "Milliseconds") == name.endswith("Latency"), name
        assert metric.help, name


def test_every_dimension_is_known_and_used() -> None:
    used = {dimension for metric in ALL_METRICS.values() for dimension in metric.by}
    assert used | {*COMMON, "tier"} == DIMENSIONS.keys()
    for name, dimension in DIMENSIONS.items():
        assert (name in COMMON) == (not dimension.values), name
        assert all(value.isascii() and value for value in dimension.values)
        assert len(set(dimension.values)) == len(dimension.values)


def test_dimensions_have_the_values_that_the_code_uses() -> None:
    on_lambda = [each for each in http_errors() if not issubclass(each, (AccessError, TaxonError, TransportError))]
    assert set(DIMENSIONS["code"].values) == {each.code for each in on_lambda if each.status < 500}
    assert {route.path for route in ROUTES if route.counted} == set(DIMENSIONS["route"].values)
    assert {"species", "genus"} < set(DIMENSIONS["rank"].values) - {"other", "breed"} < set(RANKS) - WIDEST

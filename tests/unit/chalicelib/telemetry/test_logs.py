"""Logs: one line per event, with what an operator needs, and without coordinates or client addresses."""

import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import BadRequest, CacheError, InternalError, StoreError, Unavailable
from chalicelib.features.features import NO_LOCATION, Features, Trace
from chalicelib.features.warming import WarmingReport
from chalicelib.photo.photos import open_photo
from chalicelib.telemetry.logs import configure, log_request, log_warming
from chalicelib.telemetry.record import Failure, Record, of_features
from tests.support.pictures import SYDNEY, exif, jpeg
from tests.support.records import CELL

CONTEXT = {"function": "faunalens-test", "stage": "test"}


@contextmanager
def logging_to(form: str = "json") -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """Configure a logger of its own; yield it and its stream."""
    log, stream = logging.getLogger("faunalens.test"), io.StringIO()
    log.setLevel("INFO")
    configure(log, form, CONTEXT, stream)
    yield log, stream


def looked_up(features: Features) -> Record:
    record = Record("r-1", "/identify")
    record.note(of_features(CELL, features))
    return record


def lines_of(record: Record) -> list[dict[str, Any]]:
    """Return the parsed log lines of a request."""
    with logging_to() as (log, stream):
        log_request(log, record)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def failed(cause: Exception) -> Record:
    """Return the record of a request that ended in an exception, as app.py makes it."""
    error = InternalError("x")
    try:
        raise cause
    except Exception as raised:  # noqa: BLE001 — any
        error.__cause__ = raised
    return Record("r-1", "/identify", failure=Failure.of(error))


def test_what_went_well_is_not_logged_and_faults_of_warming_are() -> None:
    assert lines_of(looked_up(NO_LOCATION)) == []
    with logging_to() as (log, stream):
        log_warming(log, "r-1", WarmingReport())
        log_warming(log, "r-2", WarmingReport(faults=["redis_timeout"], details=["redis_timeout: slow"]))
    line = json.loads(stream.getvalue())
    assert (line["level"], line["request_id"], line["codes"]) == ("WARNING", "r-2", ["redis_timeout"])


def test_a_line_has_message_context_fields_and_time() -> None:
    with logging_to() as (log, stream):
        log.info("hello %s", "there", extra={"request_id": "r-1", "surprise": 1})
    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("+00:00")
    own = {"level": "INFO", "logger": "faunalens.test", "message": "hello there", "request_id": "r-1"}
    assert line == {**own, **CONTEXT}


def test_faults_are_logged_with_the_messages_of_the_dependencies() -> None:
    # GIVEN a lookup in which Redis failed, then PostgreSQL
    redis = CacheError("redis_timeout", "Timeout reading from 10.0.0.7:6379")
    postgres = StoreError("postgres_auth", 'failed: password authentication failed for user "x"\nDETAIL: secret')
    trace = Trace(details=(redis.summary, postgres.summary))
    faults = ("redis_timeout", "lease_timeout", "postgres_auth")
    features = replace(NO_LOCATION, mode="degraded", faults=faults, trace=trace)
    # WHEN the request is over THEN one line has all codes, and the first message of each
    (line,) = lines_of(looked_up(features))
    own = {"level": "WARNING", "request_id": "r-1", "route": "/identify", "cell": "83be0efffffffff"}
    assert line.items() >= own.items()
    assert line["codes"] == ["redis_timeout", "lease_timeout", "postgres_auth"]
    assert line["details"] == [redis.summary, 'postgres_auth: failed: password authentication failed for user "x"']


def test_an_unavailable_service_is_logged_with_its_cause() -> None:
    # GIVEN an error of S3 that contains an upload id, which is a secret
    error = Unavailable("try again")
    error.__cause__ = ConnectionRefusedError("no rights to get https://bucket.example/uploads/Qv8DamWOQDbRtDzYy_MUcw")
    # WHEN the request is over THEN a line has the error without the id
    (line,) = lines_of(Record("r-1", "/uploads", failure=Failure.of(error)))
    assert (line["level"], line["code"], line["error"]) == ("WARNING", "unavailable", "ConnectionRefusedError")
    assert line["details"] == ["no rights to get https://bucket.example/uploads/…"]


def two_decimals(number: float) -> str:
    """Return the absolute value, cut to two decimals."""
    whole, _, decimals = f"{abs(number):.5f}".partition(".")
    return f"{whole}.{decimals[:2]}"


COORDINATES = st.tuples(
    st.integers(-899_999, 899_999).map(lambda each: each / 1e4 + 0.00003),
    st.integers(-1_799_999, 1_799_999).map(lambda each: each / 1e4 + 0.00007),
)
"""Coordinates with five decimals, which do not occur elsewhere by chance."""


@given(COORDINATES, st.sampled_from(["json", "text"]))
def test_no_line_holds_coordinates_whatever_fails(coordinates: tuple[float, float], form: str) -> None:
    # GIVEN requests whose errors quote coordinates
    latitude, longitude = coordinates
    records = [
        failed(ValueError(f"cannot place {latitude}, {longitude}")),
        failed(RuntimeError(coordinates, {"lat": f"{latitude:+.6f}"})),
        Record("r-1", "/animals", failure=Failure.of(BadRequest(f"lat {latitude} lon {longitude}"))),
    ]
    # WHEN they are logged THEN the log does not contain them
    with logging_to(form) as (log, stream):
        for record in records:
            log_request(log, record)
    lines = re.sub(r'"time":"[^"]+"', "", stream.getvalue())
    assert len(lines.splitlines()) >= len(records)
    assert not [number for number in coordinates if two_decimals(number) in lines]


def test_pillow_does_not_log_exif(caplog: pytest.LogCaptureFixture) -> None:
    # GIVEN the level DEBUG for all loggers
    caplog.set_level("DEBUG", logger="")
    with logging_to():
        # WHEN a photo with GPS tags is opened
        photo = open_photo(jpeg(exif=exif(SYDNEY)), PhotoLimits())
    # THEN its EXIF is read and not logged
    assert photo.gps
    assert caplog.text == ""


def test_lines_are_not_written_again_by_lambdas_own_handler() -> None:
    # GIVEN a root logger with a handler, as on Lambda
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    try:
        with logging_to() as (log, own):
            configure(log, "json", CONTEXT, own)  # twice does no harm
            log.warning("once")
    finally:
        logging.getLogger().removeHandler(handler)
    assert (own.getvalue().count("once"), stream.getvalue()) == (1, "")


def test_the_text_format_has_fields_and_stack_traces() -> None:
    with logging_to("text") as (log, stream):
        log_request(log, Record("r-1", "/identify", failure=Failure.of(BadRequest("x"))))
        log_request(log, failed(ValueError("first\nsecond\x1b[2J\rthird")))
    first, second, *trace = stream.getvalue().split("\n")
    assert first == "INFO    request rejected request_id=r-1 route=/identify status=400 code=bad_request"
    assert second.startswith("ERROR   request failed: internal error request_id=r-1")
    # AND they are printable
    assert trace[-4:] == ["ValueError: first", "second\\x1b[2J", "third", ""]
    assert all(line.isprintable() for line in trace)


@pytest.mark.parametrize("form", ["json", "text"])
@given(hostile=st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Ll"]), min_size=1))
def test_text_from_outside_cannot_forge_a_line(form: str, hostile: str) -> None:
    # GIVEN text from outside, with newlines and control characters
    with logging_to(form) as (log, stream):
        log.warning("%s", hostile, extra={"request_id": hostile, "details": [hostile]})
    # THEN it is one printable line
    line, *more = stream.getvalue().split("\n")
    assert more == [""]
    assert line.isprintable()

"""What app.py does around a view: whatever becomes of a request, it is counted and logged, and nothing of it stays."""

import io
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import app
from chalicelib import routes as module
from chalicelib.api.uploads import UploadForm
from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.config.stores import RedisSettings
from chalicelib.errors import LocationMissing, ModelError
from chalicelib.identify import Identification, IdentifyRequest
from chalicelib.identify import identify as identify_photos
from chalicelib.services import Services
from chalicelib.telemetry import logs
from chalicelib.telemetry.emf import Emitter
from chalicelib.telemetry.record import Record
from tests.support.pictures import jpeg
from tests.support.records import complete
from tests.support.tiny_model import failing_model, tiny_model, write

ADDRESS = "203.0.113.7"


class Left(NamedTuple):
    """Where requests leave their lines."""

    metrics: io.StringIO
    log: io.StringIO

    def take(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The lines since the last time, without what is another each time."""
        taken = []
        for stream in self:
            lines = [json.loads(line) for line in stream.getvalue().splitlines()]
            for line in lines:
                for name in ("Latency", "ColdStarts", "InitLatency", "_aws", "time"):
                    line.pop(name, None)
            taken.append(lines)
            stream.seek(0)
            stream.truncate()
        metrics, log = taken
        return metrics, log


@cache
def found() -> Identification:
    """The result of an identification by a small model."""
    with tempfile.TemporaryDirectory() as folder:
        services = Services.build(Settings(model=ModelSettings(path=write(Path(folder), tiny_model()))))
        request = IdentifyRequest(place="ignored")
        found = identify_photos([jpeg()], request, services, Record("r-1", "/identify"))
        assert found.recognised.model.version  # read before the folder is gone
        return found


def identify(photos: Sequence[bytes], asked: IdentifyRequest, _: object, record: Record) -> Identification:
    """In place of the model: what becomes of a request is what it sends."""
    match photos[0]:
        case b"answered":
            made = complete()
            record.note(made.notes)
            record.seconds |= made.seconds
            return found()
        case b"turned down":
            raise LocationMissing("no location")
        case b"not scored":
            raise ModelError("inference with own.onnx failed: no such node")
        case _:
            assert asked.location is not None
            raise KeyError("no such animal", asked.location.latitude, asked.location.longitude)


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Iterator[Left]:
    left = Left(io.StringIO(), io.StringIO())
    found()
    monkeypatch.setattr(module, "identify", identify)
    unread = SimpleNamespace(features=SimpleNamespace(see=lambda _: None))  # counts of drift, tested elsewhere
    monkeypatch.setattr(app.application, "services", lambda: unread)
    monkeypatch.setattr(app.application, "emitter", Emitter("faunalens", "test", left.metrics))
    log = app.app.log
    before, level = log.handlers[:], log.level
    logs.configure(log, "json", {}, left.log)
    log.setLevel(logging.INFO)
    yield left
    log.handlers[:], log.level = before, level


def ask(outcome: str, request_id: str = "r-1") -> Any:
    """The answer to a request of which this becomes."""
    place = {"lat": ["-33.8694271"], "lon": ["151.2087364"]}
    return call("POST", "/identify", query=place, body=outcome.encode(), request_id=request_id)


def call(method: str, route: str, path: str = "", **given: Any) -> Any:
    """The answer to a request as API Gateway hands it over. `path`: as it was asked for, if not the route's own."""
    event: dict[str, Any] = dict.fromkeys(("pathParameters", "stageVariables")) | {
        "requestContext": {
            "httpMethod": method,
            "resourcePath": route,
            "path": path or route,
            "requestId": given.get("request_id", "r-1"),
            "identity": {"sourceIp": ADDRESS},
        },
        "headers": {"content-type": given.get("media_type", "image/jpeg"), "x-forwarded-for": ADDRESS},
        "multiValueQueryStringParameters": given.get("query"),
        "body": given.get("body"),
        "isBase64Encoded": given.get("encoded", False),
    }
    return app.app(event, None)


def test_a_request_that_fails_is_counted_and_logged(left: Left) -> None:
    # WHEN a request fails by our fault THEN the answer says no more than that, and we see which one it was and why
    response = ask("failed")
    assert response["statusCode"] == 500
    assert "animal" not in response["body"]
    (main, by_route), (line,) = left.take()
    assert (main["Faults"], main["code"], main["request_id"]) == (1, "internal", "r-1")
    assert (by_route["route"], by_route["Faults"]) == ("/identify", 1)
    assert (line["level"], line["request_id"], line["error"]) == ("ERROR", "r-1", "KeyError")
    assert "no such animal" in line["trace"]


def test_a_model_that_fails_is_a_fault_that_may_pass(left: Left) -> None:
    # WHEN the model cannot score a photo THEN it is said when to come again, and not what the model said
    response = ask("not scored")
    assert (response["statusCode"], response["headers"]["Retry-After"]) == (503, "30")
    assert json.loads(response["body"])["code"] == "unavailable"
    assert "onnx" not in response["body"]
    # AND it is an error of the log, whose words we see
    _, (line,) = left.take()
    assert (line["level"], line["error"], line["request_id"]) == ("ERROR", "ModelError", "r-1")
    assert line["details"] == ["inference with own.onnx failed: no such node"]


def test_health_is_down_with_503_if_the_model_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a model that is loaded and cannot be run
    path = write(tmp_path, failing_model())
    built = Services.build(Settings(model=ModelSettings(path=path), redis=RedisSettings(url="redis://127.0.0.1:9")))
    monkeypatch.setattr(app.application, "services", lambda: built)
    # WHEN health is asked for THEN it says that nothing is identified, and by the status too
    response = call("GET", "/health")
    assert response["statusCode"] == 503
    body = json.loads(response["body"])
    assert (body["status"], body["model"]["state"]) == ("down", "failing")


OUTCOMES = ("answered", "turned down", "failed")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.sampled_from(OUTCOMES), min_size=2, max_size=6))
def test_nothing_leaks_from_one_request_to_the_next(left: Left, outcomes: list[str]) -> None:
    # GIVEN what each kind of request leaves by itself
    alone = {}
    for outcome in OUTCOMES:
        ask(outcome)
        alone[outcome] = left.take()
    # WHEN one process answers some of them THEN each leaves the same as alone
    for outcome in outcomes:
        ask(outcome)
        assert left.take() == alone[outcome]


@pytest.mark.usefixtures("left")
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_pages_elsewhere_may_read_every_answer_and_browsers_come_back_by_tls(outcome: str) -> None:
    headers = ask(outcome)["headers"]
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "RateLimit,RateLimit-Policy,Retry-After"


def test_pages_elsewhere_may_read_what_chalice_refuses() -> None:
    response = call("POST", "/animals")
    assert (response["statusCode"], response["headers"]["Allow"]) == (405, "GET, HEAD")
    assert response["headers"]["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), ValueError("I/O operation on closed file"), KeyError("Surprise")]
)
def test_metrics_that_cannot_be_written_cost_no_answer(
    left: Left, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # GIVEN metrics that fail, for whatever reason
    monkeypatch.setattr(app.application, "emitter", Mock(emit=Mock(side_effect=error)))
    # WHEN requests end in all ways THEN they are answered as ever, and both things are in the log
    assert [ask(outcome)["statusCode"] for outcome in OUTCOMES] == [200, 422, 500]
    _, lines = left.take()
    assert [line["level"] for line in lines] == ["ERROR", "ERROR", "INFO", "ERROR", "ERROR"]
    assert lines[0]["message"] == "metrics were not written"
    assert lines[0]["error"] == type(error).__name__


@pytest.mark.parametrize(("path", "expected"), [("/uploads", "/"), ("/uploads/", "/"), ("/dev/uploads/", "/dev/")])
def test_what_to_call_next_is_below_the_stage_however_the_path_ends(
    monkeypatch: pytest.MonkeyPatch, path: str, expected: str
) -> None:
    form = UploadForm("A" * 22, "https://bucket.example/", {})
    monkeypatch.setattr(app.application, "uploads", Mock(form=lambda: form))
    upload = json.loads(call("POST", "/uploads", path)["body"])
    assert upload["identify_url"] == f"{expected}uploads/{'A' * 22}/identify"
    # AND the limits are those of the form
    settings = app.application.settings
    assert (upload["max_bytes"], upload["expires_in"]) == (settings.photo.max_bytes, settings.s3.upload_seconds)


def test_the_contract_is_below_the_stage() -> None:
    response = call("GET", "/openapi.json", "/dev/openapi.json")
    assert json.loads(response["body"])["servers"] == [{"url": "/dev/"}]

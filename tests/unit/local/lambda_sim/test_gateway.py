"""API Gateway before a function that is played."""

import gzip
import json
from threading import Event
from typing import Any

import pytest

from local.lambda_sim.events import Request
from local.lambda_sim.gateway import Gateway
from local.lambda_sim.pool import Throttled
from local.lambda_sim.report import Invoked, Report
from local.lambda_sim.runtime import PAYLOAD_LIMIT

PROXY = {"x-amazon-apigateway-integration": {"type": "aws_proxy"}}
MOCK = {
    "x-amazon-apigateway-integration": {
        "type": "mock",
        "responses": {
            "default": {
                "statusCode": "200",
                "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'*'"},
            }
        },
    }
}
TEMPLATE = {
    "Resources": {
        "RestAPI": {
            "Type": "AWS::Serverless::Api",
            "Properties": {
                "StageName": "dev",
                "MinimumCompressionSize": 100,
                "DefinitionBody": {
                    "paths": {"/photos": {"post": PROXY, "options": MOCK}, "/web/{name}": {"get": PROXY}},
                    "x-amazon-apigateway-binary-media-types": ["image/jpeg"],
                },
            },
        }
    }
}
REPORT = Report("r", 1.0, 128, 10, None)


class Function:
    """Answers as it is told, and keeps the events."""

    def __init__(self, returned: Any = None, error: str | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._payload = json.dumps(returned or {"statusCode": 200, "body": "hello"}).encode()
        self._error = error

    def __call__(self, event: bytes, request_id: str, trace_id: str) -> Invoked:
        assert request_id
        assert trace_id.startswith("Root=1-")
        self.events.append(json.loads(event))
        return Invoked(self._payload, self._error, REPORT, latency=1.0)


def post(body: bytes = b"x", target: str = "/photos", method: str = "POST", **headers: str) -> Request:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Request(method, target, [("Content-Type", "image/jpeg"), *named], body, "127.0.0.1")


def test_a_request_reaches_the_function_and_its_answer_the_client() -> None:
    function = Function({"statusCode": 202, "body": "done", "headers": {"Content-Type": "text/plain"}})
    answer = Gateway(TEMPLATE, function).answer(post(target="/photos?a=b"))
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (202, b"done", "text/plain")
    (event,) = function.events
    assert (event["resource"], event["requestContext"]["stage"]) == ("/photos", "dev")
    # AND the identifier that the app tells is the one that API Gateway tells
    assert answer.headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]


def test_parts_of_a_path_are_captured() -> None:
    function = Function()
    Gateway(TEMPLATE, function).answer(post(method="GET", target="/web/app.js"))
    assert function.events[0]["pathParameters"] == {"name": "app.js"}


@pytest.mark.parametrize(("method", "target"), [("GET", "/photos"), ("POST", "/nothing"), ("GET", "/web/a/b")])
def test_where_there_is_no_route_the_function_is_not_asked(method: str, target: str) -> None:
    function = Function()
    answer = Gateway(TEMPLATE, function).answer(post(method=method, target=target))
    assert (answer.status, answer.body) == (403, b'{"message": "Missing Authentication Token"}')
    assert not function.events


def test_a_preflight_is_answered_without_the_function() -> None:
    function = Function()
    answer = Gateway(TEMPLATE, function).answer(post(method="OPTIONS"))
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert not function.events


def test_what_does_not_fit_into_an_event_is_refused() -> None:
    function = Function()
    gateway = Gateway(TEMPLATE, function)
    # GIVEN a photo that fits as it is, but not in base64
    assert gateway.answer(post(b"x" * (PAYLOAD_LIMIT * 3 // 4))).status == 413
    assert not function.events
    # WHEN it is so much smaller that the rest of the event fits too
    assert gateway.answer(post(b"x" * (PAYLOAD_LIMIT * 3 // 4 - 2000))).status == 200


@pytest.mark.parametrize("function", [Function(error="Unhandled"), Function({"answer": 42})])
def test_a_function_that_fails_is_a_bad_gateway(function: Function) -> None:
    answer = Gateway(TEMPLATE, function).answer(post())
    assert (answer.status, answer.body) == (502, b'{"message": "Internal server error"}')


def test_throttling_is_an_internal_error_to_clients() -> None:
    def busy(*_: object) -> Invoked:
        raise Throttled

    assert Gateway(TEMPLATE, busy).answer(post()).status == 500


def test_a_function_that_takes_too_long_is_not_waited_for() -> None:
    release = Event()

    def slow(event: bytes, request_id: str, trace_id: str) -> Invoked:
        release.wait(10)
        return Function()(event, request_id, trace_id)

    answer = Gateway(TEMPLATE, slow, patience=0.05).answer(post())
    release.set()
    assert (answer.status, answer.body) == (504, b'{"message": "Endpoint request timed out"}')


@pytest.mark.parametrize(
    ("size", "accepted", "coding"), [(100, "br, GZIP;q=1", "gzip"), (99, "gzip", None), (100, "", None)]
)
def test_large_answers_are_compressed_for_those_who_ask(size: int, accepted: str, coding: str | None) -> None:
    function = Function({"statusCode": 200, "body": "x" * size})
    answer = Gateway(TEMPLATE, function).answer(post(Accept_Encoding=accepted))
    assert answer.headers.get("Content-Encoding") == coding
    assert (gzip.decompress(answer.body) if coding else answer.body) == b"x" * size

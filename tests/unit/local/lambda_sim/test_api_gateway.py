"""API Gateway in front of a fake function."""

import gzip
import json
from threading import Event
from typing import Any

import pytest

from chalicelib.api.page import page_key
from local.lambda_sim.api_gateway import ApiGateway
from local.lambda_sim.events import ApiRequest
from local.lambda_sim.pool import Throttled
from local.lambda_sim.report import InvocationReport, InvocationResult
from local.lambda_sim.runtime_api import PAYLOAD_LIMIT

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
REPORT = InvocationReport("r", 1.0, 128, 10, None)


class FakeFunction:
    """Returns a fixed result and records the events."""

    def __init__(self, returned: Any = None, error: str | None = None) -> None:
        self.events: list[dict[str, Any]] = []
        self._payload = json.dumps(returned or {"statusCode": 200, "body": "hello"}).encode()
        self._error = error

    def __call__(self, event: bytes, request_id: str, trace_id: str) -> InvocationResult:
        assert request_id
        assert trace_id.startswith("Root=1-")
        self.events.append(json.loads(event))
        return InvocationResult(self._payload, self._error, REPORT, latency=1.0)


def post(body: bytes = b"x", target: str = "/photos", method: str = "POST", **headers: str) -> ApiRequest:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return ApiRequest(method, target, [("Content-Type", "image/jpeg"), *named], body, "127.0.0.1")


def test_a_request_reaches_the_function_and_its_response_the_client() -> None:
    function = FakeFunction({"statusCode": 202, "body": "done", "headers": {"Content-Type": "text/plain"}})
    response = ApiGateway(TEMPLATE, function).handle(post(target="/photos?a=b"))
    assert (response.status, response.body, response.headers["Content-Type"]) == (202, b"done", "text/plain")
    (event,) = function.events
    assert (event["resource"], event["requestContext"]["stage"]) == ("/photos", "dev")
    # AND app and client see the same request id
    assert response.headers["x-amzn-RequestId"] == event["requestContext"]["requestId"]


def test_parts_of_a_path_are_captured() -> None:
    function = FakeFunction()
    ApiGateway(TEMPLATE, function).handle(post(method="GET", target="/web/app.js"))
    assert function.events[0]["pathParameters"] == {"name": "app.js"}


@pytest.mark.parametrize(("method", "target"), [("GET", "/photos"), ("POST", "/nothing"), ("GET", "/web/a/b")])
def test_without_a_route_the_function_is_not_called(method: str, target: str) -> None:
    function = FakeFunction()
    response = ApiGateway(TEMPLATE, function).handle(post(method=method, target=target))
    assert (response.status, response.body) == (403, b'{"message": "Missing Authentication Token"}')
    assert not function.events


def test_a_preflight_does_not_call_the_function() -> None:
    function = FakeFunction()
    response = ApiGateway(TEMPLATE, function).handle(post(method="OPTIONS"))
    assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (200, "*")
    assert not function.events


def test_a_body_that_does_not_fit_into_an_event_is_refused() -> None:
    function = FakeFunction()
    gateway = ApiGateway(TEMPLATE, function)
    # GIVEN a photo that fits, but not in base64
    assert gateway.handle(post(b"x" * (PAYLOAD_LIMIT * 3 // 4))).status == 413
    assert not function.events
    # WHEN it leaves room for the rest of the event THEN it is accepted
    assert gateway.handle(post(b"x" * (PAYLOAD_LIMIT * 3 // 4 - 2000))).status == 200


@pytest.mark.parametrize("function", [FakeFunction(error="Unhandled"), FakeFunction({"answer": 42})])
def test_a_function_that_fails_is_a_bad_gateway(function: FakeFunction) -> None:
    response = ApiGateway(TEMPLATE, function).handle(post())
    assert (response.status, response.body) == (502, b'{"message": "Internal server error"}')


def test_a_method_that_demands_a_key_takes_only_that_of_the_page() -> None:
    # GIVEN a definition that demands a key, with our own answer to a missing one
    template = json.loads(json.dumps(TEMPLATE))
    definition = template["Resources"]["RestAPI"]["Properties"]["DefinitionBody"]
    definition["paths"]["/photos"]["post"]["security"] = [{"api_key": []}]
    function = FakeFunction()
    gateway = ApiGateway(template, function)
    # WHEN requests have no key or a wrong one THEN they never reach the function
    for headers in ([], [("X-Api-Key", "wrong")]):
        assert gateway.handle(ApiRequest("POST", "/photos", headers, b"", "192.0.2.1")).status == 403
    assert not function.events
    # AND the key of the page opens it, and preflight requests need none
    key = [("X-Api-Key", page_key("dev", "local"))]
    assert gateway.handle(ApiRequest("POST", "/photos", key, b"", "192.0.2.1")).status == 200
    assert gateway.handle(ApiRequest("OPTIONS", "/photos", [], b"", "192.0.2.1")).status == 200


def test_throttling_is_an_internal_error_to_clients() -> None:
    def busy(*_: object) -> InvocationResult:
        raise Throttled

    assert ApiGateway(TEMPLATE, busy).handle(post()).status == 500


def test_a_function_that_takes_too_long_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.lambda_sim.api_gateway.TIMEOUT", 0.05)
    release = Event()

    def slow(event: bytes, request_id: str, trace_id: str) -> InvocationResult:
        release.wait(10)
        return FakeFunction()(event, request_id, trace_id)

    response = ApiGateway(TEMPLATE, slow).handle(post())
    release.set()
    assert (response.status, response.body) == (504, b'{"message": "Endpoint request timed out"}')


@pytest.mark.parametrize(
    ("size", "accepted", "coding"), [(100, "br, GZIP;q=1", "gzip"), (99, "gzip", None), (100, "", None)]
)
def test_large_responses_are_compressed_for_clients_that_accept_it(
    size: int, accepted: str, coding: str | None
) -> None:
    function = FakeFunction({"statusCode": 200, "body": "x" * size})
    response = ApiGateway(TEMPLATE, function).handle(post(Accept_Encoding=accepted))
    assert response.headers.get("Content-Encoding") == coding
    assert (gzip.decompress(response.body) if coding else response.body) == b"x" * size

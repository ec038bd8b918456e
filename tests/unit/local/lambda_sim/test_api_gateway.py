"""Requests become events, results responses, and failures errors of API Gateway."""

import base64
import json
from copy import deepcopy
from http.client import HTTPConnection
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.page import page_key
from chalicelib.api.parameters import BINARY_TYPES
from local.lambda_sim.api_gateway import ApiGateway, ApiRequest, parse_response, proxy_event, serving
from local.lambda_sim.container import InvocationReport, InvocationResult
from local.stack.ports import HOST


def event_of(body: bytes, *headers: tuple[str, str], target: str = "/identify?lat=1&lat=2&lon=&top=%35") -> Any:
    """Return the event of a request, after JSON."""
    request = ApiRequest("POST", target, [("Host", "localhost"), *headers], body, "203.0.113.7")
    return json.loads(
        json.dumps(proxy_event(request, "/{name}", {"name": "x"}, "dev", BINARY_TYPES, "r-1", "Root=1-2-3"))
    )


@given(st.binary(min_size=1), st.sampled_from(BINARY_TYPES))
def test_a_photo_arrives_byte_for_byte_and_any_other_body_is_text(body: bytes, content_type: str) -> None:
    event = event_of(body, ("Content-Type", content_type))
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == body
    event = event_of(body, ("Content-Type", "text/plain"))
    assert (event["isBase64Encoded"], event["body"]) == (False, body.decode("utf-8", "replace"))


def test_an_event_has_what_the_request_has() -> None:
    # GIVEN a request without a body and a query THEN both are None
    event = event_of(b"", target="/web/app.js")
    assert [event[name] for name in ("body", "queryStringParameters", "multiValueQueryStringParameters")] == [None] * 3
    assert (event["resource"], event["path"], event["pathParameters"]) == ("/{name}", "/web/app.js", {"name": "x"})
    # GIVEN a parameter and a header that occur twice
    event = event_of(b"x", ("Via", "a"), ("Via", "b"), ("User-Agent", "tests"))
    # THEN the multi-value fields have both values and the others the last, decoded
    assert event["multiValueQueryStringParameters"] == {"lat": ["1", "2"], "lon": [""], "top": ["5"]}
    assert event["queryStringParameters"] == {"lat": "2", "lon": "", "top": "5"}
    assert (event["multiValueHeaders"]["Via"], event["headers"]["Via"]) == (["a", "b"], "b")
    # AND the context names the request and its client
    context = event["requestContext"]
    assert (context["requestId"], context["stage"], context["path"]) == ("r-1", "dev", "/identify")
    assert context["identity"] == {"sourceIp": "203.0.113.7", "userAgent": "tests"}


@given(st.binary())
def test_a_binary_response_needs_a_client_that_accepts_it(body: bytes) -> None:
    text = base64.b64encode(body)
    payload = json.dumps({"statusCode": 200, "body": text.decode(), "isBase64Encoded": True}).encode()
    # WHEN the first type that the client accepts is binary THEN it gets the bytes, or else base64, as on AWS
    for accept, expected in (("image/jpeg, */*", body), ("text/html, image/jpeg", text)):
        response = parse_response(payload, accept, BINARY_TYPES)
        assert response is not None
        assert response.body == expected


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"{}", b'{"statusCode": "x"}', b'{"statusCode": 200, "headers": 3}', b"\xff"]
)
def test_anything_else_is_malformed(payload: bytes) -> None:
    assert parse_response(payload, "", BINARY_TYPES) is None


PROXY = {"x-amazon-apigateway-integration": {"type": "aws_proxy"}}
ANY_ORIGIN = {"method.response.header.Access-Control-Allow-Origin": "'*'"}
PREFLIGHT = {"default": {"statusCode": "200", "responseParameters": ANY_ORIGIN}}
MOCK = {"x-amazon-apigateway-integration": {"type": "mock", "responses": PREFLIGHT}}
DEFINITION = {
    "paths": {"/photos": {"post": PROXY, "options": MOCK}, "/web/{name}": {"get": PROXY}},
    "x-amazon-apigateway-binary-media-types": ["image/jpeg"],
}
API = {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "dev", "DefinitionBody": DEFINITION}}
TEMPLATE = {"Resources": {"RestAPI": API}}
REPORT = InvocationReport("r", 1.0, 128, 10, None)


def answering(returned: Any = None, error: str | None = None) -> Mock:
    """Stand in for a function with a fixed result."""
    payload = json.dumps(returned or {"statusCode": 200, "body": "hello"}).encode()
    return Mock(return_value=InvocationResult(payload, error, REPORT))


def post(body: bytes = b"x", target: str = "/photos", method: str = "POST", **headers: str) -> ApiRequest:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return ApiRequest(method, target, [("Content-Type", "image/jpeg"), *named], body, "127.0.0.1")


def test_a_method_that_demands_a_key_takes_only_that_of_the_page() -> None:
    # GIVEN a definition that demands a key
    template, function = deepcopy(TEMPLATE), answering()
    definition: Any = template["Resources"]["RestAPI"]["Properties"]
    definition["DefinitionBody"]["paths"]["/photos"]["post"]["security"] = [{"api_key": []}]
    gateway = ApiGateway(template, function)
    # WHEN requests have no key or a wrong one THEN they never reach the function
    assert [gateway.handle(each).status for each in (post(), post(X_Api_Key="wrong"))] == [403, 403]
    function.assert_not_called()
    # AND neither does a request without a route
    assert gateway.handle(post(target="/nothing")).body == b'{"message": "Missing Authentication Token"}'
    function.assert_not_called()
    # AND the key of the page opens it, and preflight requests need none
    assert gateway.handle(post(X_Api_Key=page_key("dev", "local"))).status == 200
    assert gateway.handle(post(method="OPTIONS")).status == 200


def test_the_log_has_routes_and_no_queries(capsys: pytest.CaptureFixture[str]) -> None:
    function = answering({"statusCode": 200, "multiValueHeaders": {"Via": ["a", "b"]}})
    with serving(ApiGateway(TEMPLATE, function), 0) as port:
        client = HTTPConnection(HOST, port, timeout=30)
        client.request("GET", "/web/a.js?lat=-33.9")
        response = client.getresponse()
        assert (response.read(), response.headers.get_all("Via")) == (b"", ["a", "b"])
        client.request("GET", "/151.2?lon=151.2")
        assert client.getresponse().status == 403
        client.close()
    printed = capsys.readouterr().out.splitlines()
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in printed[-2:]] == [
        "GET /web/{name} 200",
        "GET (no such path) 403",
    ]

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.body import BINARY_TYPES
from local.lambda_sim.events import (
    ApiRequest,
    MalformedResponse,
    is_binary,
    parse_response,
    proxy_event,
    scheduled_event,
)


def event_of(
    request: ApiRequest, resource: str = "/identify", captured: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the event of a request, after JSON."""
    event = proxy_event(request, resource, captured or {}, "dev", BINARY_TYPES, "request-1", "Root=1-2-3")
    decoded: dict[str, Any] = json.loads(json.dumps(event))
    return decoded


def post(body: bytes, content_type: str) -> ApiRequest:
    headers = [("Host", "localhost"), ("Content-Type", content_type)]
    return ApiRequest("POST", "/identify?lat=1&lat=2&lon=&top=%35", headers, body, "203.0.113.7")


@given(st.binary(min_size=1), st.sampled_from(BINARY_TYPES))
def test_a_photo_arrives_byte_for_byte(body: bytes, content_type: str) -> None:
    event = event_of(post(body, content_type))
    assert event["isBase64Encoded"]
    assert base64.b64decode(event["body"]) == body


def test_a_body_of_another_type_is_text_and_loses_other_bytes() -> None:
    # GIVEN a type that is not binary for the API
    event = event_of(post(b"caf\xc3\xa9 \xff", "text/plain"))
    # THEN the body is text
    assert not event["isBase64Encoded"]
    assert event["body"] == "café \ufffd"


def test_a_form_is_binary_whatever_its_boundary() -> None:
    assert event_of(post(b"--x", 'Multipart/Form-Data; boundary="x"'))["isBase64Encoded"]
    assert not is_binary("", BINARY_TYPES)


def test_no_body_is_none_and_no_query_is_none() -> None:
    event = event_of(ApiRequest("GET", "/animals", [], b"", "203.0.113.7"), "/animals")
    assert (event["body"], event["isBase64Encoded"]) == (None, False)
    assert (event["queryStringParameters"], event["multiValueQueryStringParameters"]) == (None, None)
    assert event["pathParameters"] is None


def test_repeated_names_are_all_kept() -> None:
    # GIVEN a parameter and a header that occur twice
    request = post(b"x", "image/jpeg")
    twice = ApiRequest(
        request.method, request.target, [*request.headers, ("Via", "a"), ("Via", "b")], b"x", "203.0.113.7"
    )
    event = event_of(twice)
    # THEN the multi-value fields have both values and the others the last, decoded
    assert event["multiValueQueryStringParameters"] == {"lat": ["1", "2"], "lon": [""], "top": ["5"]}
    assert event["queryStringParameters"] == {"lat": "2", "lon": "", "top": "5"}
    assert event["multiValueHeaders"]["Via"] == ["a", "b"]
    assert event["headers"]["Via"] == "b"


def test_the_context_names_the_request() -> None:
    request = ApiRequest("GET", "/web/app.js", [("User-Agent", "tests")], b"", "203.0.113.7")
    event = event_of(request, "/web/{name}", {"name": "app.js"})
    context = event["requestContext"]
    assert (event["resource"], event["path"], event["pathParameters"]) == (
        "/web/{name}",
        "/web/app.js",
        {"name": "app.js"},
    )
    assert (context["requestId"], context["stage"], context["path"]) == ("request-1", "dev", "/web/app.js")
    assert context["identity"] == {"sourceIp": "203.0.113.7", "userAgent": "tests"}
    assert event["headers"]["X-Amzn-Trace-Id"] == "Root=1-2-3"


def test_a_response_is_parsed() -> None:
    payload = {"statusCode": 201, "headers": {"A": "1"}, "multiValueHeaders": {"B": ["2", "3"]}, "body": "é"}
    response = parse_response(json.dumps(payload).encode(), "*/*", BINARY_TYPES)
    assert (response.status, response.body) == (201, "é".encode())
    assert response.headers == {"A": "1", "B": ["2", "3"], "Content-Type": "application/json"}


@given(st.binary())
def test_a_binary_response_needs_a_client_that_accepts_it(body: bytes) -> None:
    text = base64.b64encode(body)
    payload = json.dumps({"statusCode": 200, "body": text.decode(), "isBase64Encoded": True}).encode()
    # WHEN the first type that the client accepts is binary THEN it gets the bytes
    assert parse_response(payload, "image/jpeg, */*", BINARY_TYPES).body == body
    # WHEN it is not THEN the client gets base64, as on AWS
    assert parse_response(payload, "text/html, image/jpeg", BINARY_TYPES).body == text


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"{}", b'{"statusCode": "x"}', b'{"statusCode": 200, "headers": 3}', b"\xff"]
)
def test_anything_else_is_malformed(payload: bytes) -> None:
    with pytest.raises(MalformedResponse):
        parse_response(payload, "", BINARY_TYPES)


def test_a_scheduled_event_names_its_rule() -> None:
    event = scheduled_event("faunalens-dev-warm")
    assert (event["detail-type"], event["source"], event["detail"]) == ("Scheduled Event", "aws.events", {})
    assert event["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/faunalens-dev-warm"]
    assert event["id"] != scheduled_event("faunalens-dev-warm")["id"]

"""The events that AWS sends to functions, and the responses of functions to API Gateway. No I/O.

REST API, proxy integration: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
EventBridge: https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled.html
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from local.lambda_sim.function import ACCOUNT, REGION

API_ID = "local"
"""The API's id; API Gateway's ids have ten letters and digits."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """An HTTP request. `target`: path and query as sent. `headers`: pairs in the order of the request."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str

    def header(self, name: str) -> str:
        """Return the value of the last header with this name, ignoring case; an empty string if there is none."""
        return next((value for each, value in reversed(self.headers) if each.lower() == name.lower()), "")

    @property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An HTTP response for the client."""

    status: int
    headers: Mapping[str, str | list[str]]
    body: bytes


class MalformedResponse(Exception):
    """A function's result that is not a response of a Lambda proxy integration."""


def is_binary(content_type: str, binary_types: Sequence[str]) -> bool:
    """Return whether API Gateway treats a content type as binary. Parameters of the type do not matter.

    >>> is_binary("image/jpeg; quality=1", ["image/*"])
    True
    """
    kind = content_type.partition(";")[0].strip().lower()
    return any(each in ("*/*", kind) or each == f"{kind.partition('/')[0]}/*" for each in binary_types)


def proxy_event(
    request: ApiRequest,
    resource: str,
    captured: Mapping[str, str],
    stage: str,
    binary_types: Sequence[str],
    request_id: str,
    trace_id: str,
) -> dict[str, Any]:
    """Return the event for a request to a resource such as `/web/{name}`.

    As in API Gateway, a body of a binary type is sent in base64. Any other body is sent as text, so bytes that are not
    UTF-8 are lost.
    """
    binary = bool(request.body) and is_binary(request.header("content-type"), binary_types)
    text = base64.b64encode(request.body).decode() if binary else request.body.decode("utf-8", "replace")
    query = parse_qs(urlsplit(request.target).query, keep_blank_values=True)
    headers: dict[str, list[str]] = {}
    added = [("X-Forwarded-For", request.source_ip), ("X-Forwarded-Proto", "https"), ("X-Amzn-Trace-Id", trace_id)]
    for name, value in (*request.headers, *added):
        headers.setdefault(name, []).append(value)
    now = datetime.now(UTC)
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {**captured} or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "domainName": request.header("host"),
            "extendedRequestId": request_id[:15],
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent") or None},
            "path": request.path,  # as with a custom domain; without one, the path begins with the stage
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(now.timestamp() * 1e3),
            "resourcePath": resource,
            "stage": stage,
        },
        "body": text if request.body else None,
        "isBase64Encoded": binary,
    }


def parse_response(payload: bytes, accept: str, binary_types: Sequence[str]) -> ApiResponse:
    """Parse a function's result as a response. Raises `MalformedResponse`.

    As in API Gateway, a base64 body is decoded only if the first media type in the client's `Accept` header is binary.
    """
    try:
        returned = json.loads(payload)
        headers: dict[str, str | list[str]] = {
            name: str(value) for name, value in (returned.get("headers") or {}).items()
        }
        for name, values in (returned.get("multiValueHeaders") or {}).items():
            headers[name] = [str(value) for value in values]
        body = (returned.get("body") or "").encode()
        if returned.get("isBase64Encoded") and is_binary(accept.partition(",")[0], binary_types):
            body = base64.b64decode(body)
        headers.setdefault("Content-Type", "application/json")
        return ApiResponse(int(returned["statusCode"]), headers, body)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedResponse(
            f"the function's result is not a Lambda proxy response: {type(error).__name__} {error}"
        ) from error


def scheduled_event(rule: str) -> dict[str, Any]:
    """Return the event that EventBridge sends for a rule with a schedule."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }

"""Routes that hand requests on to the identify function: `INFERENCE=lambda`. This process then needs no model.

A photo is uploaded to the bucket, and the function is called as API Gateway calls it for `POST /uploads/ID/identify`.
So clients of the tier and of API Gateway get the same answers and errors from the same code.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from chalicelib.api.http import PROBLEM_TYPE, Request, Response, Route
from chalicelib.api.parameters import read_identify_params
from chalicelib.api.uploads import Uploads
from chalicelib.application import ROUTES, Application
from chalicelib.telemetry.record import Failure, Invoked, Record
from web.function import Function, FunctionError

API_ID = "web"
"""What the function is told in place of API Gateway's id of an API: a request from outside, not from an operator."""
HERE = ("/", "/web/{name}", "/openapi.json")
"""Paths that need neither model nor stores, so the tier serves them itself."""
_IDENTIFY = "/identify"
_HEALTH = "/health"
_UPLOADED = "/uploads/{id}/identify"
_SENT = ("accept", "if-none-match")
"""Request headers that the function reads. The others, such as the client's address, stay here."""
_KEPT = ("content-type", "cache-control", "etag", "retry-after", "ratelimit", "vary", "x-content-type-options", "allow")
"""Response headers to hand on. Others are the business of the transport, or tell the limits of API Gateway."""


def relay_routes(function: Function, uploads: Uploads) -> tuple[Route, ...]:
    """Return the routes of the API, served by the function. `uploads`: the bucket that the function reads."""

    def post_identify(_: Application, request: Request, record: Record) -> Response:
        if request.spooled is None:
            raise TypeError("the server did not spool the body")
        fields = {name: [value] for name, value in request.spooled.fields.items()}
        read_identify_params(request.query, request.spooled.fields)  # raises before the photo is uploaded
        with record.step("store"):
            first, *others = [uploads.store(photo) for photo in request.spooled.photos]
        query = {**request.query, **fields, **({"also": [",".join(others)]} if others else {})}
        uploaded = request._replace(path={"id": first}, query=query)
        return _hand_on(function, "POST", _UPLOADED, uploaded, record)

    def relayed(route: Route) -> Route:
        if route.path in HERE:
            return route
        if route.path == _IDENTIFY:
            return route._replace(view=post_identify)

        def view(_: Application, request: Request, record: Record) -> Response:
            return _hand_on(function, route.method, route.path, request, record)

        return route._replace(view=view)

    return tuple(map(relayed, ROUTES))


def proxy_event(method: str, resource: str, request: Request) -> dict[str, Any]:
    """Return the event that API Gateway would send to the function for a request without a body."""
    path = resource
    for name, value in request.path.items():
        path = path.replace(f"{{{name}}}", value)
    headers = {name: request.headers[name] for name in _SENT if name in request.headers}
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in request.query.items()} or None,
        "multiValueQueryStringParameters": {name: list(values) for name, values in request.query.items()} or None,
        "pathParameters": dict(request.path) or None,
        "stageVariables": None,
        "requestContext": {
            "apiId": API_ID,
            "httpMethod": method,
            "identity": {},
            "path": path,
            "requestId": request.id,
            "resourcePath": resource,
        },
        "body": None,
        "isBase64Encoded": False,
    }


def _hand_on(function: Function, method: str, resource: str, request: Request, record: Record) -> Response:
    """Return the function's response. Raises `Unavailable` if Lambda has none."""
    started = perf_counter()
    try:
        response = _parsed(function.invoke(proxy_event(method, resource, request)))
    except FunctionError as error:
        record.invoked = Invoked(_milliseconds(started), failed=True)
        raise error.as_unavailable() from error
    record.invoked = Invoked(_milliseconds(started), failed=False)
    # Chalice's own errors are no problem details. The health of the parts is 503 when the service itself answers well.
    is_fault = response.status >= 500 and resource != _HEALTH
    if is_fault or response.headers.get("Content-Type") == PROBLEM_TYPE:
        record.failure = Failure(response.status, _code_of(response.body))
    return response


def _milliseconds(started: float) -> float:
    return round((perf_counter() - started) * 1e3, 1)


def _parsed(result: Mapping[str, Any]) -> Response:
    """Return the response in a function's result. Raises `FunctionError` if there is none."""
    try:
        given = {**(result.get("headers") or {}), **_last(result.get("multiValueHeaders") or {})}
        headers = {name: str(value) for name, value in given.items() if name.lower() in _KEPT}
        text = str(result.get("body") or "")
        body = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
        status = int(result["statusCode"])
        is_sendable = all(each.isprintable() and each.encode("latin-1") for each in headers.values() if each)
        if status not in range(200, 600) or not is_sendable:
            raise ValueError(f"status {status}")
        return Response(body, headers, status)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FunctionError("malformed", "the result is not a response of the API") from error


def _last(headers: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in headers.items() if values}


def _code_of(body: str | bytes) -> str:
    """Return the code of a problem."""
    try:
        return str(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return "unknown"

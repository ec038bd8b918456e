"""Routes that hand requests on to the identify function: `INFERENCE=lambda`. This process then needs no model.

A photo is uploaded to the bucket, and the function is called as API Gateway calls it for `POST /uploads/ID/identify`.
So clients of the tier and of API Gateway get the same answers and errors from the same code.
"""

import base64
import json
from collections.abc import Mapping
from time import perf_counter
from typing import Any

from chalicelib.api.http import PROBLEM_TYPE, Request, Response, Route
from chalicelib.api.parameters import read_identify_params
from chalicelib.api.uploads import Uploads
from chalicelib.application import Application
from chalicelib.errors import Unavailable
from chalicelib.lazy import Lazy
from chalicelib.redaction import trace_of
from chalicelib.routes import ROUTES
from chalicelib.telemetry.record import Failure, Invoked, Record

_CONNECT_SECONDS = 1.0
_SLOW, _SOON, _LATER = 5, 1, 30
"""Seconds in `Retry-After`: after a failure; the fewest after throttling; the most, and for a wrong deployment."""
_THROTTLED = {"TooManyRequests", "EC2Throttled", "Throttling"}
_REFUSED = {"AccessDenied", "ResourceNotFound", "UnrecognizedClient", "ExpiredToken"}
"""Names of exceptions for a function or a role that is not what the settings say, which persist until it is mended."""


class FunctionError(Exception):
    """Lambda did not return the function's response. The message starts with a code for logs, such as `throttled`."""

    def __init__(self, code: str, detail: str, retry_after: int = _SLOW) -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.retry_after = code, retry_after

    def as_unavailable(self) -> Unavailable:
        """Return the error for clients."""
        is_busy = self.code == "throttled"
        said = "too many photos are being identified" if is_busy else "the identification did not answer"
        return Unavailable(f"{said}; try again in {self.retry_after} s", self.retry_after)


class Function:
    """A Lambda function. Thread-safe; connects at the first call. No call is repeated: the client may be gone by then.

    `seconds`: longest wait for the result. `connections`: maximum number of calls at the same time.
    """

    def __init__(self, name: str, region: str, seconds: float, connections: int) -> None:
        self._name, self._region, self._seconds, self._connections = name, region, seconds, connections
        self._client = Lazy(self._connect)

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the function's result, a JSON object. Raises `FunctionError`."""
        from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

        try:
            payload = json.dumps(event, allow_nan=False).encode()
            answer = self._client.get().invoke(FunctionName=self._name, Payload=payload)
            result = answer["Payload"].read()
        except ReadTimeoutError as error:
            raise FunctionError("timeout", f"no result within {self._seconds:g} s") from error
        except ClientError as error:
            raise _refusal(error.response) from error
        except (BotoCoreError, OSError) as error:
            raise FunctionError("unreachable", str(error)) from error
        if "FunctionError" in answer:  # it crashed, or ran into its timeout; the result says which
            raise FunctionError("failed", trace_of(result[:200].decode("utf-8", "replace")))  # it may quote a place
        try:
            parsed = json.loads(result)
            if not isinstance(parsed, dict):
                raise TypeError(type(parsed).__name__)
        except (ValueError, TypeError) as error:
            raise FunctionError("malformed", "the result is not a JSON object") from error
        return parsed

    def _connect(self) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._seconds,
            retries={"total_max_attempts": 1},
            max_pool_connections=self._connections,
            tcp_keepalive=True,
        )
        return Session().create_client("lambda", self._region, config=config)


def _refusal(response: Mapping[str, Any]) -> FunctionError:
    """Return the error for an error response of Lambda."""
    error = response.get("Error", {})
    code, detail = error.get("Code", ""), f"{error.get('Code', '')} {error.get('Message', '')}"
    if code.removesuffix("Exception") in _THROTTLED:
        named = str(response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("retry-after", ""))
        seconds = int(named) if named.isascii() and named.isdigit() else _SOON
        return FunctionError("throttled", detail, min(max(seconds, _SOON), _LATER))
    if code.removesuffix("Exception") in _REFUSED:
        return FunctionError("refused", detail, _LATER)
    return FunctionError("unavailable", detail)


API_ID = "web"  # in place of API Gateway's: the request comes from outside, not from an operator
_SENT = ("accept", "if-none-match")
"""Request headers that the function reads. The others, such as the client's address, stay here."""
_KEPT = ("content-type", "cache-control", "etag", "retry-after", "ratelimit", "vary", "x-content-type-options", "allow")
"""Response headers to hand on. Others are the business of the transport, or name the limits of API Gateway."""


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
        return _hand_on(function, "POST", "/uploads/{id}/identify", uploaded, record)

    def relayed(route: Route) -> Route:
        if route.lane == "page":  # it needs neither model nor stores
            return route
        if route.path == "/identify":
            return route._replace(handler=post_identify)

        def handler(_: Application, request: Request, record: Record) -> Response:
            return _hand_on(function, route.method, route.path, request, record)

        return route._replace(handler=handler)

    return tuple(map(relayed, ROUTES))


def proxy_event(method: str, resource: str, request: Request) -> dict[str, Any]:
    """Return what Chalice reads of the event that API Gateway sends for a request without a body."""
    return {
        "headers": {name: request.headers[name] for name in _SENT if name in request.headers},
        "multiValueQueryStringParameters": {name: list(values) for name, values in request.query.items()} or None,
        "pathParameters": dict(request.path) or None,
        "stageVariables": None,
        "requestContext": {
            "apiId": API_ID,
            "httpMethod": method,
            "identity": {},
            "path": resource.format_map(request.path),
            "requestId": request.id,
            "resourcePath": resource,
        },
        "body": None,
        "isBase64Encoded": False,
    }


def _hand_on(function: Function, method: str, resource: str, request: Request, record: Record) -> Response:
    """Return the function's response. Raises `Unavailable` if Lambda has none."""
    started, failed = perf_counter(), True
    try:
        response = response_of(function.invoke(proxy_event(method, resource, request)))
        failed = False
    except FunctionError as error:
        raise error.as_unavailable() from error
    finally:
        record.invoked = Invoked(round((perf_counter() - started) * 1e3, 1), failed=failed)
    # Chalice's own errors are no problem details. The health of the parts is 503 when the service itself answers well.
    is_fault = response.status >= 500 and resource != "/health"
    if is_fault or response.headers.get("Content-Type") == PROBLEM_TYPE:
        record.failure = Failure(response.status, _code_of(response.body))
    return response


def response_of(result: Mapping[str, Any]) -> Response:
    """Return the response in a function's result. Raises `FunctionError` if there is none."""
    try:
        headers = {name: str(value) for name, value in (result.get("headers") or {}).items() if name.lower() in _KEPT}
        text = str(result.get("body") or "")
        body = base64.b64decode(text) if result.get("isBase64Encoded") else text.encode()
        status = int(result["statusCode"])
        is_sendable = all(each.isprintable() and each.encode("latin-1") for each in headers.values() if each)
        if status not in range(200, 600) or not is_sendable:
            raise ValueError(f"status {status}")
        return Response(body, headers, status)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FunctionError("malformed", "the result is not a response of the API") from error


def _code_of(body: str | bytes) -> str:
    """Return the error code in a body with problem details, or `unknown`."""
    try:
        return str(json.loads(body)["code"])
    except (ValueError, KeyError, TypeError):
        return "unknown"

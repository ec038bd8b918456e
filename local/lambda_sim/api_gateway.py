"""A simulated API Gateway: a REST API that invokes a function. Its routes come from the SAM template of Chalice.

It compresses no response. API Gateway itself responds with 403 if there is no route, 413 if the request is too large
for an event, 500 (not 429) if Lambda throttles the request, and 502 if the function fails; its 504 after 29 s is a 502
here, because the function's own limit ends it then. The template may replace each response.
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html

Events: https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (proxy
integration), https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled.html
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from chalice.local import RouteMatcher

from chalicelib.api.http import KEY_HEADER
from chalicelib.api.page import page_key
from faunalens.web.server import print_request
from local.lambda_sim.container import ACCOUNT, REGION, InvocationResult, Throttled
from local.lambda_sim.runtime_api import PAYLOAD_LIMIT
from local.stack import ports
from local.stack.ports import HOST, KeepAliveHandler

API_ID = "local"  # The API's id; API Gateway's ids have ten letters and digits


class ApiRequest(NamedTuple):
    """An HTTP request. `target`: path and query as sent. `headers`: pairs in the order of the request."""

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str

    def header(self, name: str) -> str:
        """Return the value of the last header with this name, ignoring case; an empty string if there is none."""
        return next((value for each, value in reversed(self.headers) if each.lower() == name.lower()), "")


class ApiResponse(NamedTuple):
    """An HTTP response for the client."""

    status: int
    headers: Mapping[str, str | list[str]]
    body: bytes


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
    """Return the Lambda event for a request to a resource such as `/web/{name}`. `captured`: parameters of its path.

    As in API Gateway, a body of a binary type is sent in base64. Any other body is sent as text, so bytes that are not
    UTF-8 are lost.
    """
    binary = bool(request.body) and is_binary(request.header("content-type"), binary_types)
    text = base64.b64encode(request.body).decode() if binary else request.body.decode("utf-8", "replace")
    _, _, path, query_string, _ = urlsplit(request.target)
    query = parse_qs(query_string, keep_blank_values=True)
    headers: dict[str, list[str]] = {}
    added = [("X-Forwarded-For", request.source_ip), ("X-Forwarded-Proto", "https"), ("X-Amzn-Trace-Id", trace_id)]
    for name, value in (*request.headers, *added):
        headers.setdefault(name, []).append(value)
    return {
        "resource": resource,
        "path": path,
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
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent") or None},
            "path": path,  # as with a custom domain; without one, the path begins with the stage
            "requestId": request_id,
            "requestTimeEpoch": int(time.time() * 1e3),
            "resourcePath": resource,
            "stage": stage,
        },
        "body": text if request.body else None,
        "isBase64Encoded": binary,
    }


def parse_response(payload: bytes, accept: str, binary_types: Sequence[str]) -> ApiResponse | None:
    """Parse a function's result as a response of a Lambda proxy integration. Return None if it is malformed.

    As in API Gateway, a base64 body is decoded only if the first media type in the client's `Accept` header is binary.
    """
    try:
        returned = json.loads(payload)
        headers: dict[str, str | list[str]] = {"Content-Type": "application/json"}
        headers |= {name: str(value) for name, value in (returned.get("headers") or {}).items()}
        for name, values in (returned.get("multiValueHeaders") or {}).items():
            headers[name] = [str(value) for value in values]
        body = (returned.get("body") or "").encode()
        if returned.get("isBase64Encoded") and is_binary(accept.partition(",")[0], binary_types):
            body = base64.b64decode(body)
        return ApiResponse(int(returned["statusCode"]), headers, body)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def scheduled_event(rule: str) -> dict[str, Any]:
    """Return the event that EventBridge sends for a rule with a schedule."""
    return {
        "version": "0",
        "id": str(uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "detail": {},
    }


Invoke = Callable[[bytes, str, str], InvocationResult]  # a call of the function, with event, request id and trace id


class ApiGateway:
    """A simulated REST API. `invoke` runs the Lambda function behind it. Thread-safe."""

    def __init__(self, template: Mapping[str, Any], invoke: Invoke) -> None:
        resources = template["Resources"].values()
        (api,) = (each["Properties"] for each in resources if each["Type"] == "AWS::Serverless::Api")
        definition = api["DefinitionBody"]
        self.stage: str = api["StageName"]
        self._paths: Mapping[str, Mapping[str, Any]] = definition["paths"]
        self._binary_types: list[str] = definition.get("x-amazon-apigateway-binary-media-types", [])
        self._refusals: Mapping[str, Any] = definition.get("x-amazon-apigateway-gateway-responses", {})
        self._matcher = RouteMatcher(list(self._paths))
        self._invoke = invoke

    def route_of(self, target: str) -> tuple[str, Mapping[str, str]]:
        """Return the resource for a path, such as `/web/{name}`, and the path's parameters; `"", {}` if none fits."""
        with suppress(ValueError):
            found = self._matcher.match_route(target)
            return str(found.route), found.captured
        return "", {}

    def handle(self, request: ApiRequest) -> ApiResponse:
        """Return the response to a request. A failure of the function becomes an error response."""
        request_id = str(uuid4())
        resource, captured = self.route_of(request.target)
        method = self._paths.get(resource, {}).get(request.method.lower())
        if method is None:
            response = self._refuse("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token", request_id)
        elif method.get("security") and request.header(KEY_HEADER) != page_key(self.stage, API_ID):
            response = self._refuse("INVALID_API_KEY", 403, "Forbidden", request_id)  # the page's is the only key here
        elif method["x-amazon-apigateway-integration"]["type"] == "mock":  # of Chalice, for preflight requests
            mock = method["x-amazon-apigateway-integration"]["responses"]["default"]
            headers = _headers(mock.get("responseParameters", {}), "method.response.header.")
            response = ApiResponse(int(mock["statusCode"]), {"Content-Type": "application/json", **headers}, b"")
        else:
            response = self._integrate(request, resource, captured, request_id)
        return response._replace(headers={"x-amzn-RequestId": request_id, **response.headers})

    def _integrate(
        self, request: ApiRequest, resource: str, captured: Mapping[str, str], request_id: str
    ) -> ApiResponse:
        trace_id = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        event = proxy_event(request, resource, captured, self.stage, self._binary_types, request_id, trace_id)
        payload = json.dumps(event, allow_nan=False).encode()
        if len(payload) > PAYLOAD_LIMIT:
            return self._refuse("REQUEST_TOO_LARGE", 413, "Request Too Long", request_id)
        try:
            result = self._invoke(payload, str(uuid4()), trace_id)  # Lambda gives the invocation another id
        except Throttled:
            return self._refuse("DEFAULT_5XX", 500, "Internal server error", request_id)
        accept = request.header("accept")
        response = None if result.error else parse_response(result.payload, accept, self._binary_types)
        return response or self._refuse("DEFAULT_5XX", 502, "Internal server error", request_id)

    def _refuse(self, kind: str, status: int, message: str, request_id: str) -> ApiResponse:
        """Return the error response that the template defines for `kind`, or API Gateway's default."""
        if kind not in self._refusals:
            body = json.dumps({"message": message}, allow_nan=False)
            return ApiResponse(status, {"Content-Type": "application/json"}, body.encode())
        custom = self._refusals[kind]
        body = custom["responseTemplates"]["application/json"].replace("$context.requestId", request_id)
        headers = _headers(custom["responseParameters"], "gatewayresponse.header.")
        return ApiResponse(int(custom["statusCode"]), headers, body.encode())


def _headers(parameters: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the headers that the template's response parameters set, without `prefix` and the quotes of values."""
    return {
        name.removeprefix(prefix): value.strip("'") for name, value in parameters.items() if name.startswith(prefix)
    }


BODY_TIMEOUT = 75.0  # longest pause of a client while it sends a body, in seconds


@contextmanager
def serving(gateway: ApiGateway, port: int) -> Iterator[int]:
    """Serve an API until the end of the block. Yield the port; 0 selects a free one. Raises OSError if it is taken."""
    handler = type("GatewayHandler", (_Handler,), {"gateway": gateway})
    with ports.serving(ThreadingHTTPServer((HOST, port), handler)) as server:
        yield server.server_port


class _Handler(KeepAliveHandler):
    """One connection of a client. It refuses chunked bodies; clients send photos with a Content-Length."""

    gateway: ApiGateway
    timeout = BODY_TIMEOUT

    def _answer(self) -> None:
        started = perf_counter()
        body = self.rfile.read(length := int(self.headers.get("Content-Length", 0)))
        headers = [(name.title(), value) for name, value in self.headers.items()]  # as most clients send them
        request = ApiRequest(self.command, self.path, headers, body, self.client_address[0])
        if len(body) < length:  # the client is gone
            self.close_connection = True
            print_request(self.command, self._route, 0, perf_counter() - started)
            return
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True  # what follows is not read
            response = ApiResponse(411, {"Content-Type": "text/plain"}, b"send a Content-Length, without chunks")
        else:
            response = self.gateway.handle(request)
        pairs = ((name, [each] if isinstance(each, str) else each) for name, each in response.headers.items())
        self.send(response.status, [(name, value) for name, values in pairs for value in values], response.body)
        print_request(self.command, self._route, response.status, perf_counter() - started)

    @property
    def _route(self) -> str:
        return self.gateway.route_of(self.path)[0] or "(no such path)"

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = _answer  # noqa: N815  names of http.server

"""A simulated API Gateway: a REST API that invokes a function. Its routes come from the SAM template of Chalice.

API Gateway itself responds with 403 if there is no route, 413 if the request is too large for an event, 500 (not 429)
if Lambda throttles the request, 502 if the function fails, and 504 after 29 s. The template may replace each response.
https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html
"""

import gzip
import json
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from chalice.local import RouteMatcher

from chalicelib.api.http import KEY_HEADER
from chalicelib.api.page import page_key
from local.lambda_sim.events import API_ID, ApiRequest, ApiResponse, MalformedResponse, parse_response, proxy_event
from local.lambda_sim.pool import Throttled
from local.lambda_sim.report import InvocationResult
from local.lambda_sim.runtime_api import PAYLOAD_LIMIT

TIMEOUT = 29.0
"""Seconds after which API Gateway stops waiting for the function."""
BODY_LIMIT = 10 * 2**20
"""Largest request body in bytes."""
THREADS = 1000
"""Maximum number of requests in progress. Further requests wait before they reach the function."""

Invoke = Callable[[bytes, str, str], InvocationResult]
"""A call of the function, with event, request id and trace id."""


class ApiGateway:
    """A REST API. `invoke` calls its function. Thread-safe."""

    def __init__(self, template: Mapping[str, Any], invoke: Invoke) -> None:
        api = next(
            each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Api"
        )
        definition = api["DefinitionBody"]
        self.stage: str = api["StageName"]
        self._paths: Mapping[str, Mapping[str, Any]] = definition["paths"]
        self._binary_types: list[str] = definition.get("x-amazon-apigateway-binary-media-types", [])
        self._refusals: Mapping[str, Any] = definition.get("x-amazon-apigateway-gateway-responses", {})
        self._min_compressed_size: float = api.get("MinimumCompressionSize", float("inf"))
        self._matcher = RouteMatcher(list(self._paths))
        self._invoke = invoke
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="integration")

    def resource_of(self, target: str) -> str | None:
        """Return the resource that serves a path, for example `/web/{name}`, or None."""
        try:
            return str(self._matcher.match_route(target).route)
        except ValueError:
            return None

    def handle(self, request: ApiRequest) -> ApiResponse:
        """Return the response to a request. A failure of the function becomes an error response."""
        request_id = str(uuid4())
        resource = self.resource_of(request.target)
        method = self._paths.get(resource or "", {}).get(request.method.lower())
        if resource is None or method is None:
            response = self._refuse("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token", request_id)
        elif method.get("security") and request.header(KEY_HEADER) != page_key(self.stage, API_ID):
            response = self._refuse("INVALID_API_KEY", 403, "Forbidden", request_id)  # the page's is the only key here
        elif method["x-amazon-apigateway-integration"]["type"] == "mock":
            response = _mock_response(method["x-amazon-apigateway-integration"])
        else:
            response = self._integrate(request, resource, request_id)
        headers = {"x-amzn-RequestId": request_id, **response.headers}
        return self._compress(ApiResponse(response.status, headers, response.body), request.header("accept-encoding"))

    def _integrate(self, request: ApiRequest, resource: str, request_id: str) -> ApiResponse:
        trace_id = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        captured = self._matcher.match_route(request.target).captured
        event = proxy_event(request, resource, captured, self.stage, self._binary_types, request_id, trace_id)
        payload = json.dumps(event, allow_nan=False).encode()
        if len(payload) > PAYLOAD_LIMIT:
            return self._refuse("REQUEST_TOO_LARGE", 413, "Request Too Long", request_id)
        try:
            # Lambda gives the invocation another id. The function continues after the timeout.
            work = self._threads.submit(self._invoke, payload, str(uuid4()), trace_id)
            result = work.result(TIMEOUT)
            if result.error is None:
                return parse_response(result.payload, request.header("accept"), self._binary_types)
        except Throttled:
            return self._refuse("DEFAULT_5XX", 500, "Internal server error", request_id)
        except TimeoutError:
            return self._refuse("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", request_id)
        except MalformedResponse:
            pass  # like a function that fails
        return self._refuse("DEFAULT_5XX", 502, "Internal server error", request_id)

    def _refuse(self, kind: str, status: int, message: str, request_id: str) -> ApiResponse:
        """Return the error response that the template defines for `kind`, or API Gateway's default."""
        if kind not in self._refusals:
            return ApiResponse(
                status, {"Content-Type": "application/json"}, json.dumps({"message": message}, allow_nan=False).encode()
            )
        custom = self._refusals[kind]
        body = custom["responseTemplates"]["application/json"].replace("$context.requestId", request_id)
        headers = _headers(custom["responseParameters"], "gatewayresponse.header.")
        return ApiResponse(int(custom["statusCode"]), headers, body.encode())

    def _compress(self, response: ApiResponse, accepted: str) -> ApiResponse:
        codings = {each.partition(";")[0].strip().lower() for each in accepted.split(",")}
        if "gzip" not in codings or len(response.body) < self._min_compressed_size:
            return response
        headers = {**response.headers, "Content-Encoding": "gzip"}
        return ApiResponse(response.status, headers, gzip.compress(response.body, 6))


def _mock_response(integration: Mapping[str, Any]) -> ApiResponse:
    """Return the response of a mock integration. Chalice uses these for preflight requests."""
    default = integration["responses"]["default"]
    headers = _headers(default.get("responseParameters", {}), "method.response.header.")
    return ApiResponse(int(default["statusCode"]), {"Content-Type": "application/json", **headers}, b"")


def _headers(parameters: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the headers that the template's response parameters set. The values of the parameters are in quotes."""
    return {
        name.removeprefix(prefix): value.strip("'") for name, value in parameters.items() if name.startswith(prefix)
    }

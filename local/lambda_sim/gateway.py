"""API Gateway before a function: a REST API read from the SAM template that Chalice packs.

What it answers by itself, in its own words unless the template has others: 403 where there is no route, 413 for what
does not fit into an event, 500 when Lambda refuses (throttling is not told to clients as 429), 502 when the function
fails, 504 after 29 s.
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

from local.lambda_sim.events import Answer, Malformed, Request, answer_of, proxy_event
from local.lambda_sim.pool import Throttled
from local.lambda_sim.report import Invoked
from local.lambda_sim.runtime import PAYLOAD_LIMIT

PATIENCE = 29.0
"""Longest that an integration may take, seconds."""
BODY_LIMIT = 10 * 2**20
"""Largest body that API Gateway reads, bytes."""
THREADS = 1000
"""Requests that are waited for at a time; more wait before they reach the function."""

Invoke = Callable[[bytes, str, str], Invoked]
"""Event, request id, trace id."""


class Gateway:
    """A REST API. Parameters: template, SAM; invoke, its function; patience, seconds. Safe for threads."""

    def __init__(self, template: Mapping[str, Any], invoke: Invoke, *, patience: float = PATIENCE) -> None:
        api = next(
            each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Serverless::Api"
        )
        definition = api["DefinitionBody"]
        self.stage: str = api["StageName"]
        self._paths: Mapping[str, Mapping[str, Any]] = definition["paths"]
        self._binary_types: list[str] = definition.get("x-amazon-apigateway-binary-media-types", [])
        self._refusals: Mapping[str, Any] = definition.get("x-amazon-apigateway-gateway-responses", {})
        self._smallest_compressed: float = api.get("MinimumCompressionSize", float("inf"))
        self._matcher = RouteMatcher(list(self._paths))
        self._invoke = invoke
        self._patience = patience
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="integration")

    def resource_of(self, target: str) -> str | None:
        """The resource of a path, such as `/web/{name}`."""
        try:
            return str(self._matcher.match_route(target).route)
        except ValueError:
            return None

    def answer(self, request: Request) -> Answer:
        """What the client gets. Raises nothing of its own: whatever fails is an answer."""
        request_id = str(uuid4())
        resource = self.resource_of(request.target)
        method = self._paths.get(resource or "", {}).get(request.method.lower())
        if resource is None or method is None:
            answer = self._refused("MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token", request_id)
        elif method["x-amazon-apigateway-integration"]["type"] == "mock":
            answer = _mocked(method["x-amazon-apigateway-integration"])
        else:
            answer = self._integrated(request, resource, request_id)
        headers = {"x-amzn-RequestId": request_id, **answer.headers}
        return self._compressed(Answer(answer.status, headers, answer.body), request.header("accept-encoding"))

    def _integrated(self, request: Request, resource: str, request_id: str) -> Answer:
        trace_id = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)}"
        captured = self._matcher.match_route(request.target).captured
        event = proxy_event(request, resource, captured, self.stage, self._binary_types, request_id, trace_id)
        payload = json.dumps(event).encode()
        if len(payload) > PAYLOAD_LIMIT:
            return self._refused("REQUEST_TOO_LARGE", 413, "Request Too Long", request_id)
        try:
            # The function has an id of its own for the invocation, and works on when nobody waits any more.
            work = self._threads.submit(self._invoke, payload, str(uuid4()), trace_id)
            invoked = work.result(self._patience)
        except Throttled:
            return self._refused("DEFAULT_5XX", 500, "Internal server error", request_id)
        except TimeoutError:
            return self._refused("INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", request_id)
        if invoked.error:
            return self._refused("DEFAULT_5XX", 502, "Internal server error", request_id)
        try:
            return answer_of(invoked.payload, request.header("accept"), self._binary_types)
        except Malformed:
            return self._refused("DEFAULT_5XX", 502, "Internal server error", request_id)

    def _refused(self, kind: str, status: int, message: str, request_id: str) -> Answer:
        """What the template has for a kind of refusal, or API Gateway's own words."""
        if kind not in self._refusals:
            return Answer(status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode())
        response = self._refusals[kind]
        body = response["responseTemplates"]["application/json"].replace("$context.requestId", request_id)
        headers = _headers(response["responseParameters"], "gatewayresponse.header.")
        return Answer(int(response["statusCode"]), headers, body.encode())

    def _compressed(self, answer: Answer, accepted: str) -> Answer:
        codings = {each.partition(";")[0].strip().lower() for each in accepted.split(",")}
        if "gzip" not in codings or len(answer.body) < self._smallest_compressed:
            return answer
        return Answer(answer.status, {**answer.headers, "Content-Encoding": "gzip"}, gzip.compress(answer.body, 6))


def _mocked(integration: Mapping[str, Any]) -> Answer:
    """An answer that API Gateway gives without the function: to preflights."""
    response = integration["responses"]["default"]
    headers = _headers(response.get("responseParameters", {}), "method.response.header.")
    return Answer(int(response["statusCode"]), {"Content-Type": "application/json", **headers}, b"")


def _headers(parameters: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Headers among parameters, whose values are constants in quotes."""
    return {
        name.removeprefix(prefix): value.strip("'") for name, value in parameters.items() if name.startswith(prefix)
    }

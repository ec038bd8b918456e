"""API Gateway's own errors as problem+json, and the keys that the API demands."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from chalice.deploy.swagger import SwaggerGenerator, TemplatedSwaggerGenerator

import app
from chalicelib.api.openapi import document
from infra import gateway_responses

PROBLEM = document("1", "/")["components"]["schemas"]["Problem"]


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch Chalice for one test."""
    monkeypatch.setattr(SwaggerGenerator, "generate_swagger", SwaggerGenerator.generate_swagger)
    gateway_responses.install()
    gateway_responses.install()  # a second time changes nothing


def responses() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield type and definition of each gateway response, as `chalice deploy` sends them."""
    api = TemplatedSwaggerGenerator().generate_swagger(app.app)
    assert api["paths"].keys() == app.app.routes.keys()
    yield from api["x-amazon-apigateway-gateway-responses"].items()


def test_each_refusal_is_a_problem_that_browsers_may_read() -> None:
    for kind, response in responses():
        body = json.loads(response["responseTemplates"]["application/json"])
        jsonschema.validate(body, PROBLEM)
        assert (str(body["status"]), body["request_id"]) == (response["statusCode"], "$context.requestId"), kind
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        assert headers["gatewayresponse.header.Access-Control-Allow-Origin"] == "'*'"
        assert headers["gatewayresponse.header.Strict-Transport-Security"] == "'max-age=31536000'"


def test_a_missing_key_the_firewall_and_a_quota_have_codes_of_their_own() -> None:
    sent = dict(responses())
    found = {kind: json.loads(each["responseTemplates"]["application/json"]) for kind, each in sent.items()}
    codes = {kind: (found[kind]["status"], found[kind]["code"]) for kind in ("INVALID_API_KEY", "WAF_FILTERED")}
    assert codes == {"INVALID_API_KEY": (403, "api_key_invalid"), "WAF_FILTERED": (403, "forbidden")}
    assert "x-api-key" in found["INVALID_API_KEY"]["detail"]
    # AND a used up quota names no time, which API Gateway does not say
    assert sent["QUOTA_EXCEEDED"]["statusCode"] == "429"
    assert "gatewayresponse.header.Retry-After" not in sent["QUOTA_EXCEEDED"]["responseParameters"]

"""API Gateway's own errors as problem+json, and the keys that the API demands."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from chalice.deploy.swagger import SwaggerGenerator, TemplatedSwaggerGenerator

import app
from chalicelib.api.openapi import document
from chalicelib.application import ROUTES
from infra import gateway_responses
from infra.gateway_responses import add_key_security

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


def test_a_used_up_quota_names_no_time_that_nobody_knows() -> None:
    quota = dict(responses())["QUOTA_EXCEEDED"]
    assert quota["statusCode"] == "429"
    assert "gatewayresponse.header.Retry-After" not in quota["responseParameters"]


def test_a_missing_key_and_the_firewall_have_codes_of_their_own() -> None:
    found = {kind: json.loads(each["responseTemplates"]["application/json"]) for kind, each in responses()}
    assert (found["INVALID_API_KEY"]["status"], found["INVALID_API_KEY"]["code"]) == (403, "api_key_invalid")
    assert "x-api-key" in found["INVALID_API_KEY"]["detail"]
    assert (found["WAF_FILTERED"]["status"], found["WAF_FILTERED"]["code"]) == (403, "forbidden")


def test_a_stage_demands_keys_where_a_request_costs_something() -> None:
    # GIVEN the definition of the API WHEN keys are added
    api = add_key_security(TemplatedSwaggerGenerator().generate_swagger(app.app))
    # THEN every keyed route demands one, and no other
    secured = {(path, method) for path, each in api["paths"].items() for method in each if each[method].get("security")}
    assert secured == {(each.path, name.lower()) for each in ROUTES if each.keyed for name in each.methods}
    # AND the integrations are still there
    assert all("x-amazon-apigateway-integration" in each for path in api["paths"].values() for each in path.values())

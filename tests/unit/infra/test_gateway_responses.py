"""API Gateway's own errors as problem+json, and no X-Ray for the API."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
from chalice.awsclient import TypedAWSClient
from chalice.deploy.swagger import SwaggerGenerator, TemplatedSwaggerGenerator

import app
from chalicelib.api.openapi import document
from chalicelib.application import ROUTES
from infra import gateway_responses
from tests.unit.infra.fake_aws import Client

PROBLEM = document("1", "/")["components"]["schemas"]["Problem"]


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patch Chalice for one test."""
    monkeypatch.setattr(SwaggerGenerator, "generate_swagger", SwaggerGenerator.generate_swagger)
    monkeypatch.setattr(TypedAWSClient, "deploy_rest_api", TypedAWSClient.deploy_rest_api)
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


@pytest.mark.parametrize(("environment", "demanded"), [({"API_KEYS": "true"}, True), ({"API_KEYS": "false"}, False)])
def test_a_stage_demands_keys_if_its_functions_are_told_so(environment: dict[str, str], demanded: bool) -> None:
    # WHEN Chalice makes the definition of a stage's API
    function = SimpleNamespace(environment_variables=environment)
    stage: Any = SimpleNamespace(lambda_function=function, policy=None, vpce_ids=None)
    api = TemplatedSwaggerGenerator().generate_swagger(app.app, stage)
    # THEN every keyed route demands a key or none does
    secured = {(path, method) for path, each in api["paths"].items() for method in each if each[method].get("security")}
    keyed = {(each.path, name.lower()) for each in ROUTES if each.keyed for name in each.methods}
    assert secured == (keyed if demanded else set())
    assert ("securityDefinitions" in api) is demanded
    # AND the integrations are still there
    assert all("x-amazon-apigateway-integration" in each for path in api["paths"].values() for each in path.values())


@pytest.mark.parametrize("xray", [True, False])
def test_no_api_is_traced(xray: bool) -> None:
    gateway = Client(create_deployment=lambda **_: None)
    client: Any = SimpleNamespace(_client=lambda _: gateway)
    TypedAWSClient.deploy_rest_api(client, "abc", "dev", xray)
    assert gateway.calls[0][1] == {"restApiId": "abc", "stageName": "dev", "tracingEnabled": False}

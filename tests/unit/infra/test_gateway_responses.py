"""API Gateway's own errors as problem+json, and no X-Ray for the API."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from chalice.awsclient import TypedAWSClient
from chalice.deploy.swagger import CFNSwaggerGenerator, SwaggerGenerator, TemplatedSwaggerGenerator

import app
from chalicelib.api.openapi import document
from infra import gateway_responses

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


def test_statuses_are_those_of_the_contract() -> None:
    statuses = {kind: response["statusCode"] for kind, response in responses()}
    assert (statuses["THROTTLED"], statuses["REQUEST_TOO_LARGE"]) == ("429", "413")
    assert statuses["MISSING_AUTHENTICATION_TOKEN"] == "404"
    assert statuses["INTEGRATION_TIMEOUT"] == statuses["DEFAULT_5XX"] == "503"
    late = dict(responses())["INTEGRATION_TIMEOUT"]["responseParameters"]
    assert int(late["gatewayresponse.header.Retry-After"].strip("'")) > 0


def test_the_template_of_a_stage_has_them_too() -> None:
    assert CFNSwaggerGenerator().generate_swagger(app.app)["x-amazon-apigateway-gateway-responses"] == dict(responses())


class Client:
    """A fake boto3 client that keeps its last call's arguments."""

    received: dict[str, Any]

    def _client(self, _: str) -> "Client":
        return self

    def create_deployment(self, **received: Any) -> None:
        self.received = received


@pytest.mark.parametrize("xray", [True, False])
def test_no_api_is_traced(xray: bool) -> None:
    client = Client()
    TypedAWSClient.deploy_rest_api(client, "abc", "dev", xray)  # type: ignore[arg-type]
    assert client.received == {"restApiId": "abc", "stageName": "dev", "tracingEnabled": False}

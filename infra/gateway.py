"""What Chalice's commands tell API Gateway besides: to refuse in the form of all other errors, and to trace nobody.

Chalice has no setting for either. `install` puts two functions below in place of Chalice's, which they call.
"""

import json
from collections.abc import Mapping
from typing import Any

from chalice.app import Chalice
from chalice.awsclient import TypedAWSClient
from chalice.deploy.models import RestAPI
from chalice.deploy.swagger import SwaggerGenerator

from chalicelib import errors
from chalicelib.api.problem import headers_of, problem_of

_BUSY = errors.TooManyRequests("there are more requests than are taken at once; wait a second and try again")
_NOT_THERE = errors.NotFound("nothing is served at this path by this method; GET openapi.json says what is")
_LARGE = errors.PhotoTooLarge("the request is too large; photos of more than 4.5 MB go by way of POST uploads")
_SILENT = errors.Unavailable("the service is too busy, or did not answer in time; try again")

REFUSALS: Mapping[str, errors.HTTPError] = {
    "THROTTLED": _BUSY,
    "QUOTA_EXCEEDED": _BUSY,
    "REQUEST_TOO_LARGE": _LARGE,
    "MISSING_AUTHENTICATION_TOKEN": _NOT_THERE,  # what it calls a path or method that it does not know
    "RESOURCE_NOT_FOUND": _NOT_THERE,
    "INTEGRATION_FAILURE": _SILENT,
    "INTEGRATION_TIMEOUT": _SILENT,
    "DEFAULT_5XX": _SILENT,  # functions that are all taken, among others
}
"""Kinds of refusals, and what is answered:
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html"""

_generate, _deploy = SwaggerGenerator.generate_swagger, TypedAWSClient.deploy_rest_api


def install() -> None:
    """Let Chalice deploy APIs as this module does, in this process."""
    SwaggerGenerator.generate_swagger = _with_refusals  # type: ignore[method-assign]
    TypedAWSClient.deploy_rest_api = _without_traces  # type: ignore[method-assign]


def _with_refusals(self: SwaggerGenerator, app: Chalice, rest_api: RestAPI | None = None) -> dict[str, Any]:
    """The API as it is imported, refusals included."""
    document: dict[str, Any] = _generate(self, app, rest_api)
    document["x-amazon-apigateway-gateway-responses"] = {kind: _response(error) for kind, error in REFUSALS.items()}
    return document


def _without_traces(self: TypedAWSClient, rest_api_id: str, api_gateway_stage: str, xray: bool) -> None:  # noqa: ARG001
    """The API made public, and not traced, whatever functions are.

    API Gateway's part of a trace holds the URL with its query, and so coordinates, and the client's address:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-understanding-xray-traces.html
    """
    _deploy(self, rest_api_id, api_gateway_stage, False)


def _response(error: errors.HTTPError) -> dict[str, Any]:
    headers = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers_of(error).items()}
    return {
        "statusCode": str(error.status),
        "responseParameters": headers,
        "responseTemplates": {"application/json": json.dumps(problem_of(error, "$context.requestId"))},
    }

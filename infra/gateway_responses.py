"""Patch Chalice so that API Gateway sends its own errors as problem+json. Chalice has no setting for this."""

import json
from collections.abc import Mapping
from typing import Any

from chalice.app import Chalice
from chalice.deploy.models import RestAPI
from chalice.deploy.swagger import SwaggerGenerator

from chalicelib import errors
from chalicelib.api.http import HTTPS_ONLY, KEY_HEADER, headers_of, problem_of

_NOT_FOUND = errors.NotFound("no route has this path and method; GET openapi.json lists the routes")
_UNAVAILABLE = errors.Unavailable("the service is overloaded or did not answer in time; try again")
_QUOTA = "this API key's daily quota is used up; wait for the next day"
_KEY = f"the request has no valid API key; ask the operator for one, and send it as {KEY_HEADER}"
_LARGE = "the request is too large; if the photo is larger than 4.5 MB, upload it by way of POST /uploads"

GATEWAY_RESPONSES: Mapping[str, errors.HTTPError] = {
    "THROTTLED": errors.TooManyRequests("too many requests at once; wait a second and try again"),
    "QUOTA_EXCEEDED": errors.TooManyRequests(_QUOTA, retry_after=None),
    "INVALID_API_KEY": errors.ApiKeyInvalid(_KEY),
    # what the firewall blocks, but for too many requests of one address, for which infra/edge.yaml has a response
    "WAF_FILTERED": errors.Forbidden("the firewall blocked the request; send only what openapi.json describes"),
    "REQUEST_TOO_LARGE": errors.PhotoTooLarge(_LARGE),
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,  # API Gateway's response to an unknown path or method
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "INTEGRATION_FAILURE": _UNAVAILABLE,
    "INTEGRATION_TIMEOUT": _UNAVAILABLE,
    "DEFAULT_5XX": _UNAVAILABLE,  # for example, if all containers are busy
}
"""Our error for each type of gateway response:
https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html"""

_generate = SwaggerGenerator.generate_swagger


def install() -> None:
    """Patch Chalice in this process, so that its API definitions contain `GATEWAY_RESPONSES`."""
    SwaggerGenerator.generate_swagger = _with_gateway_responses  # type: ignore[method-assign]


def _with_gateway_responses(self: SwaggerGenerator, app: Chalice, rest_api: RestAPI | None = None) -> dict[str, Any]:
    responses = {kind: _response(error) for kind, error in GATEWAY_RESPONSES.items()}
    return {**_generate(self, app, rest_api), "x-amazon-apigateway-gateway-responses": responses}


def _response(error: errors.HTTPError) -> dict[str, Any]:
    headers = {**headers_of(error), **HTTPS_ONLY}
    return {
        "statusCode": str(error.status),
        "responseParameters": {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()},
        "responseTemplates": {"application/json": json.dumps(problem_of(error, "$context.requestId"), allow_nan=False)},
    }

"""Patch Chalice, so that API Gateway sends its own errors as problem+json; and where the API demands keys.

Chalice has no setting for the first. It demands API keys only where app.py says so, for all stages.
"""

import json
from collections.abc import Mapping
from typing import Any

from chalice.app import Chalice
from chalice.deploy.models import RestAPI
from chalice.deploy.swagger import SwaggerGenerator

from chalicelib import errors
from chalicelib.api.http import HTTPS_ONLY, KEY_HEADER, headers_of, problem_of
from chalicelib.application import ROUTES

_BUSY = errors.TooManyRequests("too many requests at once; wait a second and try again")
_QUOTA = errors.TooManyRequests("this API key's daily quota is used up; wait for the next day", retry_after=None)
_KEY = errors.ApiKeyInvalid(f"the request has no valid API key; ask the operator for one, and send it as {KEY_HEADER}")
_BLOCKED = errors.Forbidden("the firewall blocked the request; send only what openapi.json describes")
_NOT_FOUND = errors.NotFound("no route has this path and method; GET openapi.json lists the routes")
_TOO_LARGE = errors.PhotoTooLarge(
    "the request is too large; if the photo is larger than 4.5 MB, upload it by way of POST /uploads"
)
_UNAVAILABLE = errors.Unavailable("the service is overloaded or did not answer in time; try again")

GATEWAY_RESPONSES: Mapping[str, errors.HTTPError] = {
    "THROTTLED": _BUSY,
    "QUOTA_EXCEEDED": _QUOTA,
    "INVALID_API_KEY": _KEY,
    "WAF_FILTERED": _BLOCKED,  # but too many requests of one address, for which infra/edge.yaml has a response
    "REQUEST_TOO_LARGE": _TOO_LARGE,
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
    """Return the API's Swagger definition, with `GATEWAY_RESPONSES` added."""
    document: dict[str, Any] = _generate(self, app, rest_api)
    responses = {kind: _response(error) for kind, error in GATEWAY_RESPONSES.items()}
    document["x-amazon-apigateway-gateway-responses"] = responses
    return document


def add_key_security(document: dict[str, Any]) -> dict[str, Any]:
    """Make the keyed routes of a Swagger definition demand an API key. Return the definition."""
    document["securityDefinitions"] = {"api_key": {"type": "apiKey", "name": KEY_HEADER, "in": "header"}}
    paths = document.setdefault("paths", {})
    for route in ROUTES:
        for method in route.methods if route.keyed else ():
            operation = paths.setdefault(route.path, {}).setdefault(method.lower(), {})
            operation["security"] = [{"api_key": []}]
    return document


def _response(error: errors.HTTPError) -> dict[str, Any]:
    sent = {**headers_of(error), **HTTPS_ONLY}
    headers = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in sent.items()}
    return {
        "statusCode": str(error.status),
        "responseParameters": headers,
        "responseTemplates": {"application/json": json.dumps(problem_of(error, "$context.requestId"), allow_nan=False)},
    }

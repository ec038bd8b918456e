"""Ask the API's function for the health of every part, the database included, without API Gateway.

The public may not ask for it, because it wakes a paused database. Whoever may invoke the function may.
"""

import json
from typing import Any

from infra import invoke
from infra.step import Echo, PreconditionFailed

EVENT = {
    "httpMethod": "GET",
    "path": "/health",
    "headers": {},
    "multiValueQueryStringParameters": {"deep": ["true"]},
    "pathParameters": None,
    "stageVariables": None,
    "body": None,
    "isBase64Encoded": False,
    "requestContext": {"httpMethod": "GET", "path": "/health", "resourcePath": "/health"},
}
"""The event of `GET /health?deep=true`. API Gateway would add the id of its API, by which the app knows the public."""


def ask(client: Any, function: str, echo: Echo) -> dict[str, Any]:
    """Return the health. Raise `PreconditionFailed` if there is none. `client`: a boto3 client of `lambda`."""
    return read(invoke.invoke(client, function, EVENT, echo))


def read(result: Any) -> dict[str, Any]:
    """Return the health in a result of the function. Raise `PreconditionFailed` if it has none."""
    try:
        health: dict[str, Any] = json.loads(result["body"])
        if "model" in health:
            return health
    except (KeyError, TypeError, ValueError):
        pass
    raise PreconditionFailed(f"the function did not report its health: {str(result)[:500]}")

"""Ask the API's function for the health of every part, the database included, without API Gateway.

The public may not ask for it, because it wakes a paused database. Whoever may invoke the function may.
"""

import json
from typing import Any

from infra import deployed, invoke
from infra.stage import Stage
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


def ask(stage: Stage, echo: Echo) -> dict[str, Any]:
    """Return the health of a stage. Raise `PreconditionFailed` if there is none."""
    function = deployed.function_name(stage.name, "api_handler")
    return read(invoke.invoke(stage.client("lambda"), function, EVENT, echo))


def read(result: Any) -> dict[str, Any]:
    """Return the health in a result of the function. Raise `PreconditionFailed` if it has none."""
    try:
        health: dict[str, Any] = json.loads(result["body"])
        if "model" in health:
            return health
    except (KeyError, TypeError, ValueError):
        pass
    raise PreconditionFailed(f"the function did not report its health: {str(result)[:500]}")

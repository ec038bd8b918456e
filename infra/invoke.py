"""Invoke a stage's Lambda functions: run commands in `admin`, and ask the API's function for the health of every part.

The public may not ask for the health of the database, because that wakes a paused one. Those who may invoke the
function may ask for it.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from botocore.config import Config

from infra.functions import function_name
from infra.release import ALIAS
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed, poll

PAUSE = 5.0  # seconds between two attempts to invoke a busy function
TIMEOUT = 330.0  # seconds to wait for a busy function; the administrative function runs at most 300
DATABASE_PATIENCE = "40"  # seconds that the administrative function waits for a paused database


def ask_admin(stage: Stage, command: Sequence[str], echo: Echo) -> list[str]:
    """Run a command of `python -m faunalens.data` in the function `admin`, and return the lines it prints.

    Raises `PreconditionFailed`.
    """
    # A retry would start a load twice. Keepalive, since a NAT or firewall may drop an idle connection.
    config = Config(read_timeout=310, retries={"total_max_attempts": 1}, tcp_keepalive=True)
    event = {"command": [*command, "--patience", DATABASE_PATIENCE]}
    result = invoke(stage.client("lambda", config=config), function_name(stage.name, "admin"), event, echo)
    lines = str(result["said"]).splitlines()
    if result["code"]:
        for line in lines:
            echo(line)
        raise PreconditionFailed(f"python -m faunalens.data {command[0]} failed: {lines[-1]}")
    return lines


def invoke(client: Any, function: str, event: dict[str, Any], echo: Echo) -> dict[str, Any]:
    """Invoke a function's alias once it is ready, and return its result. Raise `PreconditionFailed` if it fails.

    A function is not ready while it runs an earlier call, right after its creation or update, or after weeks of disuse.
    """
    errors, refusal = client.exceptions, None
    payload = json.dumps(event, allow_nan=False).encode()
    for waited in poll(PAUSE, TIMEOUT):
        try:
            response = client.invoke(FunctionName=function, Qualifier=ALIAS, Payload=payload)
            result: dict[str, Any] = json.loads(response["Payload"].read())
            if "FunctionError" not in response:
                return result
            message = result.get("errorMessage", result)
            raise PreconditionFailed(f"{function} failed: {message}; see the log group /aws/lambda/{function}")
        except errors.ResourceNotFoundException as error:
            raise PreconditionFailed(f"function {function} does not exist; create it with step `stack`") from error
        except (errors.TooManyRequestsException, errors.ResourceConflictException) as error:
            refusal = error
            if not waited:
                echo(f"{function} is not ready, or busy with another call; waiting")
    raise PreconditionFailed(f"{function} did not accept a call within {TIMEOUT:.0f} s: {refusal}; wait, then resume")


HEALTH_EVENT = {
    "httpMethod": "GET",
    "path": "/health",
    "headers": {},
    "body": None,
    "isBase64Encoded": False,
    "multiValueQueryStringParameters": {"deep": ["true"]},
    "pathParameters": None,
    "stageVariables": None,
    "requestContext": {"httpMethod": "GET", "path": "/health", "resourcePath": "/health"},
}
"""The event of `GET /health?deep=true`. API Gateway would add the id of its API, by which the app knows the public."""


def ask_health(stage: Stage, echo: Echo) -> dict[str, Any]:
    """Return the health that a stage's function reports. Raise `PreconditionFailed` if it reports none."""
    return read_health(invoke(stage.client("lambda"), function_name(stage.name, "api_handler"), HEALTH_EVENT, echo))


def read_health(result: Any) -> dict[str, Any]:
    """Return the health from a result of the API's function. Raise `PreconditionFailed` if it contains none."""
    with suppress(KeyError, TypeError, ValueError):
        health: dict[str, Any] = json.loads(result["body"])
        if "model" in health:
            return health
    raise PreconditionFailed(f"the function did not report its health: {str(result)[:500]}")

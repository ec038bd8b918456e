"""Invoke a stage's Lambda functions."""

import json
from collections.abc import Sequence
from typing import Any

from infra.polling import poll
from infra.step import Echo, PreconditionFailed

PAUSE = 5.0  # seconds between two attempts to invoke a busy function
TIMEOUT = 330.0  # seconds to wait for a busy function; the administrative function runs at most 300


def run_admin_command(client: Any, stage: str, command: Sequence[str], echo: Echo) -> None:
    """Run a `python -m database` command in the function `admin`. Raise `PreconditionFailed` if it fails."""
    result = invoke(client, f"faunalens-{stage}-admin", {"command": list(command)}, echo)
    lines = str(result["said"]).splitlines()
    for line in lines:
        echo(line)
    if result["code"]:
        raise PreconditionFailed(f"python -m database {command[0]} failed: {lines[-1]}")


def invoke(client: Any, function: str, event: dict[str, Any], echo: Echo) -> dict[str, Any]:
    """Invoke a function once it is ready, and return its result. Raise `PreconditionFailed` if it fails.

    A function is not ready while it runs an earlier call, right after its creation or update, or after weeks of disuse.
    """
    errors, refusal = client.exceptions, None
    for waited in poll(PAUSE, TIMEOUT):
        try:
            return _result(
                client.invoke(FunctionName=function, Payload=json.dumps(event, allow_nan=False).encode()), function
            )
        except errors.ResourceNotFoundException as error:
            raise PreconditionFailed(f"function {function} does not exist; create it with step `app`") from error
        except (errors.TooManyRequestsException, errors.ResourceConflictException) as error:
            refusal = error
            if not waited:
                echo(f"{function} is not ready, or busy with another call; waiting")
    raise PreconditionFailed(f"{function} did not accept a call within {TIMEOUT:.0f} s: {refusal}; wait, then resume")


def _result(response: dict[str, Any], function: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(response["Payload"].read())
    if "FunctionError" in response:
        message = result.get("errorMessage", result)
        raise PreconditionFailed(f"{function} failed: {message}; see the log group /aws/lambda/{function}")
    return result

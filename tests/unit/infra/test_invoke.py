"""Functions are called until they are ready; the health of all parts is theirs to say."""

import io
import json
from typing import Any

import pytest

from infra import invoke
from infra.stage import Stage
from infra.step import Echo, PreconditionFailed
from tests.unit.infra.fake_aws import (
    Client,
    ResourceConflictException,
    ResourceNotFoundException,
    Session,
    TooManyRequestsException,
)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "PAUSE", 0.0)


def function(*answers: bytes | Exception, failed: bool = False) -> Client:
    """Return a fake client whose function gives these answers call by call; the last one repeats."""
    left = list(answers)

    def invoke(**_: Any) -> dict[str, Any]:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        return {"Payload": io.BytesIO(answer), **({"FunctionError": "Unhandled"} if failed else {})}

    return Client(invoke=invoke)


def ask(client: Client, echo: Echo = lambda _: None) -> list[str]:
    return invoke.ask_admin(Stage("dev", "eu-west-1", Session(lambda_=client), {}), ["load"], echo)


def test_a_busy_function_is_waited_for_and_reported_once() -> None:
    client = function(ResourceConflictException(), TooManyRequestsException(), b'{"code": 0, "said": "loaded"}')
    output: list[str] = []
    assert ask(client, output.append) == ["loaded"]
    assert output == ["faunalens-dev-admin is not ready, or busy with another call; waiting"]
    assert json.loads(client.calls[0][1]["Payload"]) == {"command": ["load", "--patience", "40"]}


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "TIMEOUT", 0.0)
    with pytest.raises(PreconditionFailed, match=r"did not accept a call within 0 s: .*Rate Exceeded"):
        ask(function(TooManyRequestsException()))


@pytest.mark.parametrize(
    ("client", "message"),
    [
        (function(ResourceNotFoundException()), "faunalens-dev-admin does not exist; create it with step `stack`"),
        (function(b'{"errorMessage": "timed out"}', failed=True), "timed out; see the log group /aws/lambda/faunalens"),
        (
            function(b'{"code": 1, "said": "1\\nerror: no right"}'),
            "python -m faunalens.data load failed: error: no right",
        ),
    ],
)
def test_a_missing_or_failed_function_and_a_failed_command_are_errors(client: Client, message: str) -> None:
    with pytest.raises(PreconditionFailed, match=message):
        ask(client)


@pytest.mark.parametrize(
    "result", [None, {}, {"body": "<html>"}, {"statusCode": 503, "body": '{"code": "unavailable"}'}]
)
def test_anything_else_is_an_error(result: Any) -> None:
    with pytest.raises(PreconditionFailed, match="the function did not report its health: "):
        invoke.read_health(result)

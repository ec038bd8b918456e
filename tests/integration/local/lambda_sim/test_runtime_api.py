"""The Runtime API, as a runtime calls it."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Thread

import pytest

from local.lambda_sim.runtime_api import PAYLOAD_LIMIT, Invocation, RuntimeApi, RuntimeMessage

EVENT = Invocation(
    "request-1", b'{"a": 1}', 1795576856.25, "arn:aws:lambda:us-east-1:123456789012:function:toys", "Root=1"
)


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        yield api


def ask(
    api: RuntimeApi, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """Send a request; return status, body and headers."""
    connection = HTTPConnection(api.address, timeout=10)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"/2018-06-01/runtime/{path}", body, named)
        response = connection.getresponse()
        return response.status, response.read(), {**response.headers}
    finally:
        connection.close()


def test_the_next_event_is_waited_for(api: RuntimeApi) -> None:
    # GIVEN a runtime that asks before there is an event
    got: list[tuple[int, bytes, dict[str, str]]] = []
    runtime = Thread(target=lambda: got.append(ask(api, "GET", "invocation/next")))
    runtime.start()
    assert api.messages.get(timeout=10) == RuntimeMessage("next")
    # WHEN there is an event
    api.offer(EVENT)
    runtime.join(10)
    # THEN it gets the event with its headers
    ((status, body, headers),) = got
    assert (status, body) == (200, EVENT.event)
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "request-1"
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1795576856250"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == EVENT.function_arn
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1"


@pytest.mark.parametrize("path", ["response", "error"])
def test_the_outcome_of_an_event_is_accepted(api: RuntimeApi, path: str) -> None:
    api.offer(EVENT)
    assert ask(api, "GET", "invocation/next")[0] == 200
    # WHEN the runtime posts the outcome
    reply = ask(api, "POST", f"invocation/request-1/{path}", b'{"b": 2}')
    assert (reply[0], json.loads(reply[1])) == (202, {"status": "OK"})
    assert [api.messages.get(timeout=10).kind for _ in range(2)] == ["next", path]


def test_a_response_over_the_limit_is_refused_and_is_an_error(api: RuntimeApi) -> None:
    api.offer(EVENT)
    status, body, _ = ask(api, "POST", "invocation/request-1/response", b"x" * (PAYLOAD_LIMIT + 101))
    assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
    assert api.messages.get(timeout=10).error_type == "Function.ResponseSizeTooLarge"


def test_a_failed_initialisation_has_its_error_type(api: RuntimeApi) -> None:
    reply = ask(api, "POST", "init/error", b"{}", Lambda_Runtime_Function_Error_Type="Runtime.NoSuchHandler")
    assert reply[0] == 202
    assert api.messages.get(timeout=10) == RuntimeMessage("init_error", b"{}", "Runtime.NoSuchHandler")


def test_an_unknown_path_is_refused(api: RuntimeApi) -> None:
    status, body, _ = ask(api, "GET", "extensions")
    assert (status, json.loads(body)["errorType"]) == (404, "InvalidPath")


def test_a_waiting_runtime_does_not_block_closing() -> None:
    with RuntimeApi() as api:
        runtime = Thread(target=_expect_closed_connection, args=(api,), daemon=True)
        runtime.start()
        api.messages.get(timeout=10)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    runtime.join(10)
    assert not runtime.is_alive()


def _expect_closed_connection(api: RuntimeApi) -> None:
    with pytest.raises(ConnectionError):
        ask(api, "GET", "invocation/next")

"""The Runtime API, as a runtime speaks to it."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Thread

import pytest

from local.lambda_sim.runtime import PAYLOAD_LIMIT, Invocation, RuntimeApi, Said

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
    """Status, body and headers of one exchange."""
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
    assert api.said.get(timeout=10) == Said("waits")
    # WHEN there is one
    api.offer(EVENT)
    runtime.join(10)
    # THEN it gets it, with what belongs to it
    ((status, body, headers),) = got
    assert (status, body) == (200, EVENT.event)
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "request-1"
    assert headers["Lambda-Runtime-Deadline-Ms"] == "1795576856250"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == EVENT.function_arn
    assert headers["Lambda-Runtime-Trace-Id"] == "Root=1"


@pytest.mark.parametrize(("path", "kind"), [("response", "answer"), ("error", "error")])
def test_what_came_of_an_event_is_taken_once(api: RuntimeApi, path: str, kind: str) -> None:
    api.offer(EVENT)
    assert ask(api, "GET", "invocation/next")[0] == 200
    # WHEN the runtime tells
    told = ask(api, "POST", f"invocation/request-1/{path}", b'{"b": 2}')
    assert (told[0], json.loads(told[1])) == (202, {"status": "OK"})
    assert [api.said.get(timeout=10).kind for _ in range(2)] == ["waits", kind]
    # THEN it cannot tell again
    status, body, _ = ask(api, "POST", f"invocation/request-1/{path}", b"{}")
    assert (status, json.loads(body)["errorType"]) == (400, "InvalidRequestID")


def test_an_answer_to_another_event_is_refused(api: RuntimeApi) -> None:
    api.offer(EVENT)
    assert ask(api, "POST", "invocation/request-2/response", b"{}")[0] == 400
    assert api.said.empty()


def test_an_answer_over_the_limit_is_refused_and_is_an_error(api: RuntimeApi) -> None:
    api.offer(EVENT)
    status, body, _ = ask(api, "POST", "invocation/request-1/response", b"x" * (PAYLOAD_LIMIT + 101))
    assert (status, json.loads(body)["errorType"]) == (413, "RequestEntityTooLarge")
    assert api.said.get(timeout=10).error_type == "Function.ResponseSizeTooLarge"


def test_a_failed_start_says_its_type(api: RuntimeApi) -> None:
    told = ask(api, "POST", "init/error", b"{}", Lambda_Runtime_Function_Error_Type="Runtime.NoSuchHandler")
    assert told[0] == 202
    assert api.said.get(timeout=10) == Said("init_error", b"{}", "Runtime.NoSuchHandler")


def test_another_path_is_named(api: RuntimeApi) -> None:
    status, body, _ = ask(api, "GET", "extensions")
    assert (status, json.loads(body)["errorType"]) == (404, "InvalidPath")


def test_a_runtime_that_waits_does_not_keep_the_api_from_ending() -> None:
    with RuntimeApi() as api:
        runtime = Thread(target=_ask_in_vain, args=(api,), daemon=True)
        runtime.start()
        api.said.get(timeout=10)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    runtime.join(10)
    assert not runtime.is_alive()


def _ask_in_vain(api: RuntimeApi) -> None:
    with pytest.raises(ConnectionError):
        ask(api, "GET", "invocation/next")

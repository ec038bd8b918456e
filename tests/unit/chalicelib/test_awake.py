"""A container on Lambda stays awake after its response until the work is done, and no longer.

Lambda's Extensions API cannot be had here: the server below stands in for it, as its documentation describes it.
"""

import json
import time
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Lock
from typing import Any

import pytest

from chalicelib.awake import StayAwake
from tests.support.servers import scripted

IDENTITY = b"Lambda-Extension-Identifier: id-1"


class Lambda:
    """The Extensions API. `asked`: the extension has asked for the next event; Lambda may then freeze it."""

    address = ""

    def __init__(self) -> None:
        self.asked, self.events, self.registered = SimpleQueue[bool](), SimpleQueue[int](), list[bytes]()
        self.refuses, self._begun = False, b""

    def respond(self, received: bytes) -> bytes:
        request, self._begun = self._begun + received, b""
        head, _, body = request.partition(b"\r\n\r\n")
        if head.startswith(b"POST /2020-01-01/extension/register HTTP/1.1\r\n"):
            if not body:  # it comes in a packet of its own
                self._begun = request
                return b""
            if b"Lambda-Extension-Name: shadow" in head:
                self.registered.append(body)
            return reply("403 Forbidden" if self.refuses else "200 OK", {"functionName": "faunalens-dev"})
        assert head.startswith(b"GET /2020-01-01/extension/event/next HTTP/1.1\r\n")
        if IDENTITY not in head:
            return reply("403 Forbidden", {"errorType": "Extension.UnknownExtensionIdentifier"})
        self.asked.put(True)
        return reply("200 OK", {"eventType": "INVOKE", "deadlineMs": self.events.get()})

    def invoke(self, seconds: float = 30.0) -> None:
        """Send an event that the function has some seconds for."""
        self.events.put(round((time.time() + seconds) * 1e3))


def reply(status: str, body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    identity = IDENTITY if status.startswith("200") else b"X: y"
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(data)}\r\n".encode() + identity + b"\r\n\r\n" + data


@pytest.fixture
def api() -> Iterator[Lambda]:
    api = Lambda()
    with scripted(api.respond) as server:
        api.address = f"127.0.0.1:{server.address.port}"
        yield api
        api.invoke()  # so that no thread waits


def test_it_registers_and_asks_for_the_next_event_only_once_the_work_is_done(api: Lambda) -> None:
    # GIVEN an extension that has asked for its first event
    busy = Lock()
    awake = StayAwake(api.address, busy)
    assert list(map(json.loads, api.registered)) == [{"events": ["INVOKE"]}]
    api.asked.get(timeout=5)
    # WHEN the handler begins work and returns THEN the container may sleep neither before that nor before it is done
    api.invoke()
    time.sleep(0.05)
    assert api.asked.empty()
    busy.acquire()
    awake.handled()
    time.sleep(0.05)
    assert api.asked.empty()
    busy.release()
    api.asked.get(timeout=5)
    # AND a request without such work lets it sleep at once
    api.invoke()
    awake.handled()
    api.asked.get(timeout=5)


def test_work_that_never_ends_ends_with_the_time_of_the_function(api: Lambda) -> None:
    busy = Lock()
    awake = StayAwake(api.address, busy)
    api.asked.get(timeout=5)
    busy.acquire()
    api.invoke(seconds=0.6)
    awake.handled()
    api.asked.get(timeout=5)


@pytest.mark.parametrize("refuses", [True, False])
def test_without_the_api_the_function_works_as_ever(api: Lambda, refuses: bool) -> None:
    api.refuses = True
    StayAwake(api.address if refuses else "127.0.0.1:9", Lock()).handled()
    time.sleep(0.05)
    assert api.asked.empty()

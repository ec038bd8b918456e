"""A container on Lambda stays awake after its response until the work is done, and no longer.

Lambda's Extensions API cannot be had here: the server below stands in for it, as its documentation describes it.
"""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import pytest

from chalicelib.awake import StayAwake


class Lambda(ThreadingHTTPServer):
    """The Extensions API. `asked`: when the extension asked for the next event; Lambda may then freeze it."""

    daemon_threads = True

    def __init__(self, *, refuses: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refuses, self.registered = refuses, list[Any]()
        self.asked, self.events = SimpleQueue[float](), SimpleQueue[dict[str, Any]]()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def invoke(self, seconds: float = 30.0) -> None:
        """Send an event that the function has some seconds for."""
        self.events.put({"eventType": "INVOKE", "deadlineMs": round((time.time() + seconds) * 1e3)})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Lambda

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.registered.append((self.path, self.headers["Lambda-Extension-Name"], json.loads(body)))
        if self.server.refuses:
            self._send(403, {"errorType": "Extension.TooManyExtensions"}, {})
        else:
            self._send(200, {"functionName": "faunalens-dev"}, {"Lambda-Extension-Identifier": "id-1"})

    def do_GET(self) -> None:
        assert self.path == "/2020-01-01/extension/event/next"
        if self.headers["Lambda-Extension-Identifier"] != "id-1":
            self._send(403, {"errorType": "Extension.UnknownExtensionIdentifier"}, {})
            return
        self.server.asked.put(time.monotonic())
        self._send(200, self.server.events.get(), {})

    def _send(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def api() -> Iterator[Lambda]:
    with Lambda() as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def test_it_registers_and_asks_for_the_next_event_only_once_the_work_is_done(api: Lambda) -> None:
    # GIVEN an extension that has asked for its first event
    busy = Lock()
    awake = StayAwake(api.address, busy)
    assert api.registered == [("/2020-01-01/extension/register", "shadow", {"events": ["INVOKE"]})]
    api.asked.get(timeout=5)
    # WHEN the handler begins work and returns
    api.invoke()
    busy.acquire()
    awake.handled()
    time.sleep(0.05)
    # THEN the container may not sleep before the work is done
    assert api.asked.empty()
    busy.release()
    api.asked.get(timeout=5)
    # AND a request without such work lets it sleep at once
    api.invoke()
    awake.handled()
    api.asked.get(timeout=5)


def test_it_waits_for_the_handler_before_it_looks_for_work(api: Lambda) -> None:
    awake = StayAwake(api.address, Lock())
    api.asked.get(timeout=5)
    api.invoke()
    time.sleep(0.05)
    assert api.asked.empty()
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
def test_without_the_api_the_function_works_as_ever(refuses: bool) -> None:
    with Lambda(refuses=True) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        address = server.address if refuses else "127.0.0.1:9"
        StayAwake(address, Lock()).handled()
        assert server.asked.empty()
        server.shutdown()

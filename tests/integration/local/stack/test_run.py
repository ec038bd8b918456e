"""`make run`: what it takes for ready, and what it does not wait for."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from local.stack.errors import LocalError
from local.stack.ports import HOST, free_port
from local.stack.run import Run
from local.stack.shutdown import ShutdownEvent


@contextmanager
def app(code: int, health: dict[str, str]) -> Iterator[int]:
    """Port of an app that says this of its health."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(json.dumps(health).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer((HOST, 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def is_ready(port: int) -> bool:
    with ExitStack() as stack:
        return Run(port, ShutdownEvent(), stack)._healthy()


@pytest.mark.parametrize(
    ("code", "health", "ready"),
    [(200, {"status": "ok"}, True), (200, {"status": "degraded"}, False), (503, {"code": "unavailable"}, False)],
)
def test_it_is_ready_when_every_part_works(code: int, health: dict[str, str], ready: bool) -> None:
    with app(code, health) as port:
        assert is_ready(port) is ready


def test_it_is_not_ready_while_nobody_listens() -> None:
    assert not is_ready(free_port())


def test_a_model_that_fails_is_not_waited_for() -> None:
    # GIVEN an app that identifies nothing, which time does not mend; THEN that is told at once
    with app(503, {"status": "down"}) as port, pytest.raises(LocalError, match=r"the model fails when it is run"):
        is_ready(port)

"""Lambda's Runtime API for one container: where its runtime asks for events and leaves answers.

    GET  /2018-06-01/runtime/invocation/next               the next event; waits for it
    POST /2018-06-01/runtime/invocation/{id}/response      what the handler returned
    POST /2018-06-01/runtime/invocation/{id}/error         what it raised
    POST /2018-06-01/runtime/init/error                    why it could not start

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. On Lambda each container has an API of its own at
one address; here each has a port.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from queue import SimpleQueue
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import Any, Literal, Self

from local.stack.ports import HOST

VERSION = "/2018-06-01/runtime"
PAYLOAD_LIMIT = 6 * 2**20
"""Largest event, and largest answer but for `ANSWER_MARGIN`, bytes (Lambda quotas)."""
ANSWER_MARGIN = 100
"""Lambda's message on an answer that is too large names the limit: 6291556 bytes."""
LINE = 65536
"""Longest line of a request's head, bytes; the X-Ray cause of an error is a header."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for a container. `deadline`: seconds since the epoch."""

    request_id: str
    event: bytes
    deadline: float
    function_arn: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the runtime told: that it waits for an event, what came of one, or why it could not start."""

    kind: Literal["waits", "answer", "error", "init_error"]
    payload: bytes = b""
    error_type: str = ""


class RuntimeApi:
    """The API on a free port. `said` holds what the runtime told, in order; `offer` gives it its next event."""

    def __init__(self) -> None:
        self.said: SimpleQueue[Said] = SimpleQueue()
        self._offered: SimpleQueue[Invocation | None] = SimpleQueue()
        self._current = ""
        self._server = _Server((HOST, 0), _Handler)
        self._server.api = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._offered.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """What AWS_LAMBDA_RUNTIME_API is set to."""
        return f"{HOST}:{self._server.server_address[1]}"

    def offer(self, invocation: Invocation) -> None:
        """Answer the runtime that waits for an event, or the next that will."""
        self._current = invocation.request_id
        self._offered.put(invocation)

    def take(self) -> Invocation | None:
        """The next event, once there is one; None when the API ends."""
        self.said.put(Said("waits"))
        return self._offered.get()

    def is_current(self, request_id: str) -> bool:
        """Whether the runtime was given this event last, and has not told yet what came of it."""
        return bool(request_id) and request_id == self._current

    def settle(self, said: Said) -> None:
        """The runtime told what came of the current event."""
        self._current = ""
        self.said.put(said)


class _Server(ThreadingTCPServer):
    """A thread for each connection of the runtime."""

    daemon_threads = True
    api: RuntimeApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A runtime that was killed is not worth a stack trace."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(StreamRequestHandler):
    """One connection of the runtime. By hand: with http.server, a third of the path's time would be our own."""

    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        while request_line := self.rfile.readline(LINE):
            method, path, _ = request_line.decode("ascii").split()
            headers = dict(iter(self._header, ("", "")))
            if headers.get("expect"):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if not self._answer(method, path, headers, body):
                return

    def _header(self) -> tuple[str, str]:
        """Name, in lower case, and value of the next header; empty at their end."""
        name, _, value = self.rfile.readline(LINE).decode("latin-1").partition(":")
        return name.strip().lower(), value.strip()

    def _answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether the connection goes on."""
        api, error_type = self.server.api, headers.get("lambda-runtime-function-error-type", "Unhandled")
        match method, path.removeprefix(VERSION).strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                return self._next()
            case "POST", ["invocation", request_id, "response" | "error" as kind]:
                if not api.is_current(request_id):
                    self._refuse(400, "InvalidRequestID", f"{request_id} is not the event that was given out")
                elif kind == "error":
                    self._accept(Said("error", body, error_type))
                elif len(body) > PAYLOAD_LIMIT + ANSWER_MARGIN:
                    self._refuse_answer()
                else:
                    self._accept(Said("answer", body))
            case "POST", ["init", "error"]:
                self._accept(Said("init_error", body, error_type))
            case _:
                self._refuse(404, "InvalidPath", f"the Runtime API has no {method} {path}")
        return True

    def _next(self) -> bool:
        invocation = self.server.api.take()
        if invocation is None:
            return False
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1e3)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self._send(200, invocation.event, headers)
        return True

    def _accept(self, said: Said) -> None:
        self.server.api.settle(said)
        self._send(202, b'{"status":"OK"}')

    def _refuse_answer(self) -> None:
        message = f"Exceeded maximum allowed payload size ({PAYLOAD_LIMIT + ANSWER_MARGIN} bytes)."
        error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
        self.server.api.settle(Said("error", json.dumps(error).encode(), error["errorType"]))
        self._refuse(413, "RequestEntityTooLarge", message)

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        self._send(status, json.dumps({"errorType": error_type, "errorMessage": message}).encode())

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.wfile.write("\r\n".join([*lines, "\r\n"]).encode())
        self.wfile.write(body)

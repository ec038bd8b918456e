"""Lambda's Runtime API for one container: its runtime fetches events here and posts responses.

    GET  /2018-06-01/runtime/invocation/next               the next event; waits until there is one
    POST /2018-06-01/runtime/invocation/{id}/response      what the handler returned
    POST /2018-06-01/runtime/invocation/{id}/error         what it raised
    POST /2018-06-01/runtime/init/error                    why initialisation failed

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. On Lambda every container has its own API at the same
address; here each has its own port.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from queue import SimpleQueue
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import Any, Literal, Self

from local.stack.ports import HOST

VERSION = "/2018-06-01/runtime"
PAYLOAD_LIMIT = 6 * 2**20
"""Largest event in bytes, and largest response without `RESPONSE_MARGIN` (Lambda quotas)."""
RESPONSE_MARGIN = 100
"""Lambda's error for a response that is too large gives the limit: 6291556 bytes."""
LINE = 65536
"""Longest header line in bytes; the X-Ray cause of an error is one header."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for a container. `deadline`: seconds since the epoch."""

    request_id: str
    event: bytes
    deadline: float
    function_arn: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class RuntimeMessage:
    """A request of the runtime: it asks for the next event, or posts a response, an error or an init error."""

    kind: Literal["next", "response", "error", "init_error"]
    payload: bytes = b""
    error_type: str = ""


class RuntimeApi:
    """The API on a free port. `messages` is a queue of the runtime's requests; `offer` gives it the next event."""

    def __init__(self) -> None:
        self.messages: SimpleQueue[RuntimeMessage] = SimpleQueue()
        self._offered: SimpleQueue[Invocation | None] = SimpleQueue()
        self._current = ""
        self._server = _Server((HOST, 0), _Handler)
        self._server.api = self
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._offered.put(None)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Value of AWS_LAMBDA_RUNTIME_API."""
        return f"{HOST}:{self._server.server_address[1]}"

    def offer(self, invocation: Invocation) -> None:
        """Send the event to the runtime that waits for one, or that will ask next."""
        self._current = invocation.request_id
        self._offered.put(invocation)

    def next_invocation(self) -> Invocation | None:
        """Wait for the next event and return it; None when the API closes."""
        self.messages.put(RuntimeMessage("next"))
        return self._offered.get()

    def is_current(self, request_id: str) -> bool:
        """Return whether this is the event in progress."""
        return bool(request_id) and request_id == self._current

    def complete(self, message: RuntimeMessage) -> None:
        """Record the outcome of the event in progress."""
        self._current = ""
        self.messages.put(message)


class _Server(ThreadingTCPServer):
    """Serves each connection of the runtime in its own thread."""

    daemon_threads = True
    api: RuntimeApi

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no stack trace when the runtime was killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(StreamRequestHandler):
    """One connection of the runtime. http.server would make this a third of an invocation's overhead."""

    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        while request_line := self.rfile.readline(LINE):
            method, path, _ = request_line.decode("ascii").split()
            headers = dict(iter(self._header, ("", "")))
            if headers.get("expect"):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = self.rfile.read(int(headers.get("content-length", 0)))
            if not self._dispatch(method, path, headers, body):
                return

    def _header(self) -> tuple[str, str]:
        """Return the next header's lower-case name and its value; empty strings after the last."""
        name, _, value = self.rfile.readline(LINE).decode("latin-1").partition(":")
        return name.strip().lower(), value.strip()

    def _dispatch(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Handle one request; return whether the connection stays open."""
        api, error_type = self.server.api, headers.get("lambda-runtime-function-error-type", "Unhandled")
        match method, path.removeprefix(VERSION).strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                return self._next()
            case "POST", ["invocation", request_id, "response" | "error" as kind]:
                if not api.is_current(request_id):
                    self._refuse(400, "InvalidRequestID", f"{request_id} is not the event in progress")
                elif kind == "error":
                    self._accept(RuntimeMessage("error", body, error_type))
                elif len(body) > PAYLOAD_LIMIT + RESPONSE_MARGIN:
                    self._refuse_response()
                else:
                    self._accept(RuntimeMessage("response", body))
            case "POST", ["init", "error"]:
                self._accept(RuntimeMessage("init_error", body, error_type))
            case _:
                self._refuse(404, "InvalidPath", f"the Runtime API has no route {method} {path}")
        return True

    def _next(self) -> bool:
        invocation = self.server.api.next_invocation()
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

    def _accept(self, message: RuntimeMessage) -> None:
        self.server.api.complete(message)
        self._send(202, b'{"status":"OK"}')

    def _refuse_response(self) -> None:
        message = f"Exceeded maximum allowed payload size ({PAYLOAD_LIMIT + RESPONSE_MARGIN} bytes)."
        error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
        self.server.api.complete(RuntimeMessage("error", json.dumps(error).encode(), error["errorType"]))
        self._refuse(413, "RequestEntityTooLarge", message)

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        self._send(status, json.dumps({"errorType": error_type, "errorMessage": message}).encode())

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        self.wfile.write("\r\n".join([*lines, "\r\n"]).encode())
        self.wfile.write(body)

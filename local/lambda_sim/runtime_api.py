"""Lambda's Runtime API for one container. The runtime in the container gets events from it and posts results to it.

    GET  /2018-06-01/runtime/invocation/next               returns the next event, as soon as there is one
    POST /2018-06-01/runtime/invocation/{id}/response      receives the handler's result
    POST /2018-06-01/runtime/invocation/{id}/error         receives the handler's exception
    POST /2018-06-01/runtime/init/error                    receives the exception that stopped the initialisation

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. On Lambda all containers use the same address. Here each
container has a port of its own.
"""

import json
import sys
from queue import SimpleQueue
from socketserver import ThreadingTCPServer
from typing import Any, Literal, NamedTuple

from local.stack.ports import HOST, KeepAliveHandler

VERSION = "/2018-06-01/runtime"
JSON = (("Content-Type", "application/json"),)
PAYLOAD_LIMIT = 6 * 2**20  # largest event in bytes (Lambda quotas)
RESPONSE_MARGIN = 100
"""Bytes by which a response may exceed `PAYLOAD_LIMIT`. Lambda's error text gives the sum as the limit: 6291556."""


class Invocation(NamedTuple):
    """One event for a container. `deadline`: seconds since the epoch."""

    request_id: str
    event: bytes
    deadline: float
    function_arn: str
    trace_id: str


class RuntimeMessage(NamedTuple):
    """A request of the runtime. `next` asks for an event; the other kinds post a result or an error as `payload`."""

    kind: Literal["next", "response", "error", "init_error"]
    payload: bytes = b""
    error_type: str = ""


class RuntimeApi(ThreadingTCPServer):
    """Lambda's runtime API on a free port. `messages`: the requests of the runtime.

    `events`: queue of invocations. The runtime gets one for each request `next`; None closes its connection.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.messages: SimpleQueue[RuntimeMessage] = SimpleQueue()
        self.events: SimpleQueue[Invocation | None] = SimpleQueue()
        super().__init__((HOST, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print a stack trace, unless the connection broke because the runtime was killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """Host and port, for the variable AWS_LAMBDA_RUNTIME_API."""
        return f"{HOST}:{self.server_address[1]}"


class _Handler(KeepAliveHandler):
    """One connection from the runtime."""

    server: RuntimeApi

    def _answer(self) -> None:
        api, body = self.server, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        error_type = self.headers.get("Lambda-Runtime-Function-Error-Type", "Unhandled")
        match self.command, self.path.removeprefix(VERSION).strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                self._send_next()
            case "POST", ["invocation", _, "response"] if len(body) > PAYLOAD_LIMIT + RESPONSE_MARGIN:
                message = f"Exceeded maximum allowed payload size ({PAYLOAD_LIMIT + RESPONSE_MARGIN} bytes)."
                kind = "Function.ResponseSizeTooLarge"
                error = json.dumps({"errorType": kind, "errorMessage": message}, allow_nan=False)
                api.messages.put(RuntimeMessage("error", error.encode(), kind))
                self._refuse(413, "RequestEntityTooLarge", message)
            case "POST", ["invocation", _, "response"]:
                self._accept(RuntimeMessage("response", body))
            case "POST", ["invocation", _, "error"]:
                self._accept(RuntimeMessage("error", body, error_type))
            case "POST", ["init", "error"]:
                self._accept(RuntimeMessage("init_error", body, error_type))
            case method, _:
                self._refuse(404, "InvalidPath", f"the Runtime API has no route {method} {self.path}")

    do_GET = do_POST = _answer  # noqa: N815  names of http.server

    def _send_next(self) -> None:
        self.server.messages.put(RuntimeMessage("next"))
        invocation = self.server.events.get()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            **dict(JSON),
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1e3)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self.send(200, headers.items(), invocation.event)

    def _accept(self, message: RuntimeMessage) -> None:
        self.server.messages.put(message)
        self.send(202, JSON, b'{"status":"OK"}')

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        text = json.dumps({"errorType": error_type, "errorMessage": message}, allow_nan=False)
        self.send(status, JSON, text.encode())

"""Lambda's Runtime API for one container: where its runtime asks for events and leaves answers.

    GET  /2018-06-01/runtime/invocation/next               the next event; waits for it
    POST /2018-06-01/runtime/invocation/{id}/response      what the handler returned
    POST /2018-06-01/runtime/invocation/{id}/error         what it raised
    POST /2018-06-01/runtime/init/error                    why it could not start

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. On Lambda each container has an API of its own at
one address; here each has a port.
"""

import json
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

from local.connection import Connection, Server
from local.ports import HOST

VERSION = "/2018-06-01/runtime"
PAYLOAD_LIMIT = 6 * 2**20
"""Largest event, and largest answer but for `ANSWER_MARGIN`, bytes (Lambda quotas)."""
ANSWER_MARGIN = 100
"""Lambda's message on an answer that is too large names the limit: 6291556 bytes."""


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
        self._server = Server((HOST, 0), partial(_Handler, api=self, body_limit=10 * PAYLOAD_LIMIT))
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
        return f"{HOST}:{self._server.server_port}"

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


class _Handler(Connection):
    """One connection of the runtime."""

    timeout: ClassVar[float | None] = None  # a container that is frozen says nothing for as long as it is

    def __init__(self, request: Any, client_address: Any, server: Any, *, api: RuntimeApi, body_limit: int) -> None:
        self._api = api
        super().__init__(request, client_address, server, body_limit=body_limit)

    def answer(self, body: bytes) -> None:
        match self.command, self.path.removeprefix(VERSION).strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                self._next()
            case "POST", ["invocation", request_id, "response" | "error" as kind]:
                self._settle(request_id, kind, body)
            case "POST", ["init", "error"]:
                self._api.settle(Said("init_error", body, self._error_type()))
                self._accept()
            case _:
                self._refuse_as(404, "InvalidPath", f"the Runtime API has no {self.command} {self.path}")

    def log(self, status: int, seconds: float) -> None:
        """Nothing: the function has a log of its own."""

    def _next(self) -> None:
        invocation = self._api.take()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(invocation.deadline * 1e3)),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self.send(200, headers, invocation.event)

    def _settle(self, request_id: str, kind: str, body: bytes) -> None:
        if not self._api.is_current(request_id):
            self._refuse_as(400, "InvalidRequestID", f"{request_id} is not the event that was given out")
        elif kind == "error":
            self._api.settle(Said("error", body, self._error_type()))
            self._accept()
        elif len(body) > PAYLOAD_LIMIT + ANSWER_MARGIN:
            message = f"Exceeded maximum allowed payload size ({PAYLOAD_LIMIT + ANSWER_MARGIN} bytes)."
            error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}
            self._api.settle(Said("error", json.dumps(error).encode(), error["errorType"]))
            self._refuse_as(413, "RequestEntityTooLarge", message)
        else:
            self._api.settle(Said("answer", body))
            self._accept()

    def _error_type(self) -> str:
        return str(self.headers.get("Lambda-Runtime-Function-Error-Type", "Unhandled"))

    def _accept(self) -> None:
        self.send(202, {"Content-Type": "application/json"}, '{"status":"OK"}')

    def _refuse_as(self, status: int, error_type: str, message: str) -> None:
        text = json.dumps({"errorType": error_type, "errorMessage": message})
        self.send(status, {"Content-Type": "application/json"}, text)

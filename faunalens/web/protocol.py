"""The HTTP/1.1 protocol of the server: uvicorn's protocol class for the parser llhttp, with stricter limits.

A head is a request line and its headers. llhttp rejects malformed heads, which prevents request smuggling. This module
adds a time limit and a size limit for heads, and strict rules for the length of bodies. The response to an invalid
request contains problem details.
"""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import unquote
from uuid import UUID, uuid4

import httptools
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from chalicelib.api.http import headers_of, problem_of
from chalicelib.errors import (
    BadRequest,
    HeadersTooLarge,
    HTTPError,
    RequestTimeout,
    Unavailable,
    UriTooLong,
    VersionNotSupported,
)
from faunalens.web.asgi import HEALTHZ
from faunalens.web.messages import DRAIN_SECONDS

MOST_URI, MOST_HEAD = 8_192, 32_768  # bytes of the path with its query, and of all headers together
MOST_AHEAD = 32  # requests that wait for the answer to an earlier one of their connection; each takes 4 KB of memory
SPARE = 16  # connections beyond the limit that may send a head: of the load balancer, which asks for the health
_REQUEST_LINE = re.compile(rb"[A-Z-]{1,32} (/[!-~]*) HTTP/1\.[01]\r?\n")


class Protocol(HttpToolsProtocol):
    """The protocol of one connection. A subclass sets its limits, and three methods of `Asgi` as callbacks.

    `head_seconds`: longest time in which a client may send a head. `most_connections`: largest number of connections.
    """

    head_seconds: float
    most_connections: int
    refusal_of_method: Callable[[str], HTTPError]
    refused: Callable[..., None]
    turn_away: Callable[[Scope], tuple[HTTPError, str] | None]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._error: HTTPError | None = None
        self._received = b""
        self._idle_until = 0.0
        self._is_dropping = self._is_spare = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_head_timer()
        self._is_spare = len(self.connections) > self.most_connections
        if len(self.connections) > self.most_connections + SPARE:
            self._answer(_too_many_connections())

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received = data
        super().data_received(data)
        # uvicorn stops the timer of an idle connection at any data: at the unread rest of a body, or at an
        # empty line. Without this, a client could hold a connection forever.
        is_idle = self.cycle is not None and self.cycle.response_complete and self._head_timer is None
        if is_idle and self.timeout_keep_alive_task is None and not self.transport.is_closing():
            left = max(0.0, self._idle_until - self.loop.time())
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)

    def on_response_complete(self) -> None:
        self._idle_until = self.loop.time() + self.timeout_keep_alive
        super().on_response_complete()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._unset_keepalive_if_required()  # of a request in the same data that was turned away
        if len(self.pipeline) >= MOST_AHEAD:
            self._refuse(BadRequest(f"over {MOST_AHEAD} requests came ahead of an answer; wait for answers in between"))
        if self._head_timer is None:
            self._start_head_timer()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MOST_URI:
            self._refuse(UriTooLong(f"path and query are over {MOST_URI} bytes; send fewer parameters"))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MOST_HEAD:
            self._refuse(HeadersTooLarge(f"the headers are over {MOST_HEAD} bytes; send fewer headers"))

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        if self._is_spare and len(self.connections) > self.most_connections and self.url != HEALTHZ.encode():
            self._refuse(_too_many_connections())
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        lengths = [value for name, value in self.headers if name == b"content-length"]
        if (codings and (codings != [b"chunked"] or lengths)) or len(lengths) > 1:
            ambiguous = "the body's length is ambiguous; send one Content-Length or Transfer-Encoding: chunked"
            self._refuse(BadRequest(ambiguous))
        if self.parser.should_upgrade() and (codings or lengths not in ([], [b"0"])):
            # httptools takes the body for data of the new protocol, and drops it.
            self._refuse(BadRequest("the server does not upgrade connections; send the request without Upgrade"))
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Start a request, unless it is turned away. Its body is then dropped, and the connection kept.

        Two kinds of requests are not turned away here: those whose client waits for 100 (Continue), which may or may
        not send a body after a refusal, and those whose body came while the request before was still being answered.
        """
        waits = cycle.waiting_for_100_continue or self.flow.write_paused
        is_simple = cycle is self.cycle and cycle.more_body and not (cycle.body or waits)
        turned_away = self.turn_away(cast("Scope", cycle.scope)) if is_simple else None
        if turned_away is None:
            super()._start_asgi_task(cycle, app)
            return
        error, route = turned_away
        request_id = str(uuid4())
        self.transport.write(_prepared(error, request_id, keep=cycle.keep_alive))
        self.refused(error, request_id, route)
        cycle.response_complete, self._is_dropping = True, True
        self._idle_until = self.loop.time() + DRAIN_SECONDS

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._is_dropping:
            self._is_dropping = False
            if self.cycle.keep_alive:
                self.on_response_complete()
            else:
                self.transport.close()

    def _refuse(self, error: HTTPError) -> None:
        """Raise a parser error. uvicorn then calls `send_400_response`, which answers the request with `error`."""
        self._error = error
        raise httptools.HttpParserError(error.detail)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's text, which may contain parts of the request
        """Send problem details for a request that the parser rejected, and close the connection."""
        self._stop_head_timer()
        self._answer(self._error or self._error_of(sys.exception()))

    def _error_of(self, error: BaseException | None) -> HTTPError:
        """Return the `HTTPError` for an error that llhttp raised."""
        is_method = isinstance(error, httptools.HttpParserInvalidMethodError)
        if is_method and (line := _REQUEST_LINE.match(self._received)):
            return self.refusal_of_method(unquote(line[1].decode().partition("?")[0]))
        if {"invalid", "version"} <= set(str(error).lower().split()):  # not "Expected CRLF after version"
            return VersionNotSupported("the HTTP version is not supported; send HTTP/1.1 or HTTP/1.0")
        if isinstance(error, httptools.HttpParserInvalidURLError):
            return BadRequest("the address has a character that must be percent-encoded, as in ?q=%C3%A9l%C3%A9phant")
        return BadRequest("the request is not valid HTTP/1.1; use an HTTP client library")

    def _answer(self, error: HTTPError) -> None:
        if self.transport.is_closing():
            return
        request_id = str(uuid4())
        self.transport.write(_message(error, request_id))
        self.transport.close()
        self.refused(error, request_id)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self._answer(RequestTimeout(f"the headers did not arrive within {self.head_seconds:g} s; send them faster"))


def _too_many_connections() -> Unavailable:
    return Unavailable("too many connections are open; try again in a moment", retry_after=1, limit="connections")


def _message(error: HTTPError, request_id: str, *, keep: bool = False) -> bytes:
    """Return the whole response to a request that never started. `keep`: whether the connection stays open."""
    body = json.dumps(problem_of(error, request_id), allow_nan=False).encode()
    headers = {**headers_of(error), "Content-Length": str(len(body)), **({} if keep else {"Connection": "close"})}
    lines = [f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in headers.items()]
    return b"".join([STATUS_LINE[error.status], *lines, b"\r\n", body])


_NO_ID = str(UUID(int=0))
_parts: dict[tuple[str, bool], list[bytes]] = {}
"""The parts of a response before and after the request id, by error detail (one for each time to wait, 30 in all)."""


def _prepared(error: HTTPError, request_id: str, *, keep: bool) -> bytes:
    """Return `_message` for a full queue. Each text is made once; after that, only the id of the request is put in."""
    parts = _parts.get((error.detail, keep))
    if parts is None:
        parts = _parts[error.detail, keep] = _message(error, _NO_ID, keep=keep).split(_NO_ID.encode())
    return request_id.encode().join(parts)

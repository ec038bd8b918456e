"""The HTTP/1.1 protocol of the server: uvicorn's protocol on the parser llhttp, with stricter limits.

llhttp rejects malformed heads, which prevents request smuggling. This module adds a deadline and a size limit for
heads, and strict rules for the length of bodies. It answers invalid requests with problem details.
"""

import asyncio
import json
import re
import socket
import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chalicelib.api.problem import headers_of, problem_of
from chalicelib.errors import (
    BadRequest,
    HeadersTooLarge,
    HTTPError,
    MethodNotAllowed,
    RequestTimeout,
    Unavailable,
    UriTooLong,
    VersionNotSupported,
)

HEAD_SECONDS = 10.0
"""Default of `Protocol.head_seconds`."""
MOST_URI, MOST_HEAD = 8_192, 32_768
"""Largest size of path and query, and of all headers, in bytes."""

_UNKNOWN_METHOD = "the method is unknown; GET /openapi.json lists the methods of each path"
_REQUEST_LINE = re.compile(rb"[A-Z-]{1,32} (/[!-~]*) HTTP/1\.[01]\r?\n")


class Protocol(HttpToolsProtocol):
    """One connection. A subclass may set the limits.

    `head_seconds`: longest time to send a head. `log`: called with each request that is not valid HTTP.
    """

    head_seconds = HEAD_SECONDS
    most_connections = 1000
    refusal_of_method: Callable[[str], HTTPError] = staticmethod(lambda _: MethodNotAllowed(_UNKNOWN_METHOD))
    """A function that returns the error for an unknown method and a path."""
    log: Callable[[str, str, int, float], None] = staticmethod(lambda *_: None)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._error: HTTPError | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # asyncio does this only for sockets whose protocol is explicitly TCP, and that of `listen` is not. Without it,
        # each response on a kept connection waits 40 ms for the client's delayed acknowledgement.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._start_head_timer()

        if len(self.connections) > self.most_connections:
            self._answer(Unavailable("too many connections are open; try again in a moment", retry_after=1))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received = data
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
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
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        lengths = [value for name, value in self.headers if name == b"content-length"]
        if codings and (codings != [b"chunked"] or lengths):
            self._refuse(
                BadRequest("the body's length is ambiguous; send Content-Length or Transfer-Encoding: chunked")
            )
        if len(lengths) > 1:
            self._refuse(BadRequest("Content-Length is present more than once; send it once"))
        super().on_headers_complete()

    def _refuse(self, error: HTTPError) -> None:
        """Make the parser fail, and answer the request with `error`."""
        self._error = error
        raise httptools.HttpParserError(error.detail)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's text, which may contain parts of the request
        """Answer a request that the parser has rejected with problem details, and close the connection."""
        self._stop_head_timer()
        self._answer(self._error or self._error_of(sys.exception()))

    def _error_of(self, error: BaseException | None) -> HTTPError:
        """Return our error for an error of llhttp."""
        is_method = isinstance(error, httptools.HttpParserInvalidMethodError)
        if is_method and (line := _REQUEST_LINE.match(self._received)):
            return self.refusal_of_method(unquote(line[1].decode().partition("?")[0]))
        if "version" in str(error).lower():
            return VersionNotSupported("the HTTP version is not supported; send HTTP/1.1 or HTTP/1.0")
        return BadRequest("the request is not valid HTTP/1.1; use an HTTP client library")

    def _answer(self, error: HTTPError) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps(problem_of(error, str(uuid4())), allow_nan=False).encode()
        headers = {**headers_of(error), "Content-Length": str(len(body)), "Connection": "close"}
        lines = [f"{name.lower()}: {value}\r\n".encode("latin-1") for name, value in headers.items()]
        self.transport.write(b"".join([STATUS_LINE[error.status], *lines, b"\r\n", body]))
        self.transport.close()
        self.log("?", "(no such path)", error.status, 0.0)

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self._answer(RequestTimeout(f"the headers did not arrive within {self.head_seconds:g} s; send them faster"))

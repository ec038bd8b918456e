"""HTTP/1.1 parsing for the server: uvicorn's protocol on llhttp, with limits and errors of our own.

llhttp rejects malformed heads, which keeps request smuggling out. On top: a deadline and a size limit for heads, strict
rules for the length of bodies, and errors as problem details.
"""

import asyncio
import json
import re
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
"""Longest time to send a head, unless `Protocol.head_seconds` says otherwise."""
MOST_URI, MOST_HEAD = 8_192, 32_768
"""Bytes of path and query, and of all headers."""

_UNKNOWN_METHOD = "the method is unknown; GET /openapi.json lists the methods of each path"
_REQUEST_LINE = re.compile(rb"[A-Z-]{1,32} (/[!-~]*) HTTP/1\.[01]\r?\n")


class Protocol(HttpToolsProtocol):
    """One connection."""

    head_seconds = HEAD_SECONDS
    most_connections = 1000
    refusal_of_method: Callable[[str], HTTPError] = staticmethod(lambda _: MethodNotAllowed(_UNKNOWN_METHOD))
    """Returns the error for an unknown method on a path."""
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
            self._refuse(UriTooLong(f"path and query are over {MOST_URI} bytes; send a shorter request"))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > MOST_HEAD:
            self._refuse(HeadersTooLarge(f"the headers are over {MOST_HEAD} bytes; send fewer"))

    def on_headers_complete(self) -> None:
        self._stop_head_timer()
        codings = [value.strip().lower() for name, value in self.headers if name == b"transfer-encoding"]
        lengths = [value for name, value in self.headers if name == b"content-length"]
        if codings and (codings != [b"chunked"] or lengths):
            self._refuse(BadRequest("a body needs either one Content-Length or Transfer-Encoding: chunked"))
        if len(lengths) > 1:
            self._refuse(BadRequest("a body needs exactly one Content-Length"))
        super().on_headers_complete()

    def _refuse(self, error: HTTPError) -> None:
        """Make the parser fail with an error of ours."""
        self._error = error
        raise httptools.HttpParserError(error.detail)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  may quote the request
        """Answer a request that the parser rejected, as problem details, and close the connection."""
        self._stop_head_timer()
        self._answer(self._error or self._error_of(sys.exception()))

    def _error_of(self, error: BaseException | None) -> HTTPError:
        """Return the error to answer for one of llhttp's errors."""
        is_method = isinstance(error, httptools.HttpParserInvalidMethodError)
        if is_method and (line := _REQUEST_LINE.match(self._received)):
            return self.refusal_of_method(unquote(line[1].decode().partition("?")[0]))
        if "version" in str(error).lower():
            return VersionNotSupported("the HTTP version is not supported; send HTTP/1.1 or HTTP/1.0")
        return BadRequest("the request is not valid HTTP/1.1")

    def _answer(self, error: HTTPError) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps(problem_of(error, str(uuid4()))).encode()
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
        self._answer(RequestTimeout("the head of the request arrived too slowly"))

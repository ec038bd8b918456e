"""An HTTP/1.1 request handler with the features that Python's and Chalice's own handlers lack.

They are chunked bodies, `Expect: 100-continue`, a limit on the body, HEAD, an idle timeout, errors as problem details,
and an access log without queries, because queries hold coordinates.
"""

import json
import re
import sys
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, ClassVar
from uuid import uuid4

from chalicelib.api.problem import HEADERS, headers_of, problem_of
from chalicelib.errors import BadRequest, HTTPError

IDLE_TIMEOUT = 75.0
"""Seconds after which an idle connection is closed."""
FORM_MARGIN = 1_000_000
"""Bytes that a form may add to its photo."""
DRAIN = 64_000_000
"""Bytes of a refused body to read and drop, so that the client reads the response."""
MAX_CHUNK_LINE = 4096
"""Longest line between chunks in bytes."""
BUFFER = 65536
HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,16}")


class Server(ThreadingHTTPServer):
    """An HTTP server with one thread per connection, and a backlog for bursts of connections."""

    request_queue_size = 128
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking up the host name, which takes seconds when no name server answers."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print no stack trace when a client disconnects."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class RequestHandler(BaseHTTPRequestHandler):
    """One connection; a subclass answers its requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # otherwise every response waits 40 ms for the client's delayed ACK
    wbufsize = BUFFER  # send head and body together
    timeout: ClassVar[float | None] = IDLE_TIMEOUT
    default_request_version = "HTTP/1.0"  # the response to a broken request line has a head too
    server_version = "Faunalens"
    sys_version = ""

    command = path = ""  # until a request line has been read

    def __init__(self, request: Any, client_address: Any, server: Any, *, body_limit: int) -> None:
        self._body_limit = body_limit
        self._waits_for_continue = False
        BaseHTTPRequestHandler.__init__(
            self, request, client_address, server
        )  # skip Chalice's handler, the other base of a subclass

    def answer(self, body: bytes) -> None:
        """Answer the current request with `send`. Raises `HTTPError`."""
        raise NotImplementedError

    def too_large(self) -> HTTPError:
        """Return the error for a body over the limit."""
        raise NotImplementedError

    def route(self) -> str:
        """Return the request's route for the log. It must not contain coordinates."""
        raise NotImplementedError

    def handle_expect_100(self) -> bool:
        """Let the client wait until we have checked the head of its request."""
        self._waits_for_continue = True
        return True

    def _serve(self) -> None:
        started = time.perf_counter()
        self._status = 0
        try:
            self.answer(self._read_body())
        except HTTPError as error:
            self._refuse(error)
        finally:
            self._waits_for_continue = False
            self.log(self._status, time.perf_counter() - started)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  names of http.server

    def _read_body(self) -> bytes:
        """Return the body. Raises `BadRequest`, `too_large`, and ConnectionError if the client disconnects."""
        coding = self.headers.get("Transfer-Encoding", "").strip().lower()
        lengths = self.headers.get_all("Content-Length", [])
        if coding:
            if coding != "chunked" or lengths:
                raise BadRequest("a body needs either one Content-Length or Transfer-Encoding: chunked")
            self._continue()
            return self._read_chunks()
        if not lengths:
            return b""
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise BadRequest("Content-Length must be one whole number")
        length = int(lengths[0][:20])
        if length > self._body_limit:
            raise self.too_large()
        self._continue()
        return self._exactly(length)

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > self._body_limit:
                raise self.too_large()
            body += self._exactly(size)
            if self.rfile.readline(MAX_CHUNK_LINE).strip():
                raise BadRequest("a chunk of the body is longer than its size")
        while self.rfile.readline(MAX_CHUNK_LINE).strip():  # trailers
            pass
        return bytes(body)

    def _chunk_size(self) -> int:
        digits = self.rfile.readline(MAX_CHUNK_LINE).split(b";")[0].strip()
        try:
            if not HEXADECIMAL.fullmatch(digits):
                raise ValueError
            return int(digits, 16)
        except ValueError:
            raise BadRequest("a chunk of the body has no valid size") from None

    def _exactly(self, length: int) -> bytes:
        body: bytes = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client disconnected before it had sent the body")
        return body

    def _continue(self) -> None:
        if self._waits_for_continue:
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
            self._waits_for_continue = False

    def _refuse(self, error: HTTPError) -> None:
        """Send an error without calling the app, and close: the connection may still hold the rest of a body."""
        body = json.dumps(problem_of(error, str(uuid4())))
        self.close_connection = True
        self.send(error.status, {**headers_of(error), "Connection": "close"}, body)
        self.wfile.flush()
        if not self._waits_for_continue:
            self.connection.settimeout(1.0)
            left = DRAIN
            while left > 0 and (data := self.rfile.read1(BUFFER)):
                left -= len(data)

    def send(self, status: int, headers: Mapping[str, str | list[str]], body: str | bytes) -> None:
        """Send a complete response; without its body if the request is HEAD."""
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        for name, values in headers.items():
            for value in [values] if isinstance(values, str) else values:
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_response(self, code: int, message: str | None = None) -> None:
        self._status = int(code)
        super().send_response(code, message)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Send http.server's own error as a problem, without its message, which may quote the request."""
        short, detail = self.responses.get(code, ("Bad Request", ""))
        problem = {"type": "about:blank", "title": short, "status": int(code), "detail": detail}
        problem |= {"code": "bad_request", "request_id": str(uuid4())}
        self.close_connection = True
        self.send(code, {**HEADERS, "Connection": "close"}, json.dumps(problem))
        self.log(int(code), 0.0)

    def log_message(self, *_: Any) -> None:
        """Log nothing: http.server's messages contain the request line, and so coordinates."""

    def log(self, status: int, seconds: float) -> None:
        """Log one response; status 0 means that the client disconnected."""
        print(f"{self.command or '?'} {self.route()} {status or 'gone'} {seconds * 1e3:.0f} ms", flush=True)

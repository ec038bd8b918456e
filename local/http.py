"""HTTP/1.1 around Chalice's local gateway: what Chalice's own handler leaves out.

Chunked bodies, `Expect: 100-continue`, a limit on bodies, HEAD, idle connections, refusals in the form of all other
errors, and an access log without queries, which hold coordinates.
"""

import json
import re
import sys
import time
from functools import partial
from socketserver import TCPServer
from typing import Any
from uuid import uuid4

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    CustomLocalChalice,
    LocalChalice,
    LocalDevServer,
    LocalGatewayException,
    ThreadedHTTPServer,
)

from chalicelib.errors import BadRequest, HTTPError, NotFound, PhotoTooLarge
from chalicelib.problem import MEDIA_TYPE, problem_of

IDLE = 75.0
"""Seconds after which a connection that says nothing is closed."""
FORM_MARGIN = 1_000_000
"""Bytes that a form may need around its photo."""
DRAIN = 64_000_000
"""Bytes of a refused body that are read and dropped, so that the client gets to read the answer."""
LINE = 4096
"""Longest line between chunks, bytes."""
PIECE = 65536
HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{1,16}")


def build_server(app: Chalice, host: str, port: int, *, photo_max_bytes: int) -> LocalDevServer:
    """Chalice's local server for `app`, bound to the port. Raises OSError if the port is taken."""
    # As chalice.local.create_local_server does: one app object serves threads, each with its own current request.
    CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
    app.__class__ = CustomLocalChalice
    handler = partial(Handler, body_limit=photo_max_bytes + FORM_MARGIN)
    config = Config(chalice_stage="local", user_provided_params={"app_name": app.app_name})
    return LocalDevServer(app, config, host, port, handler_cls=handler, server_cls=Server)


class Server(ThreadedHTTPServer):
    """Threaded, with room for a spike of connections."""

    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without looking up our own name, which takes seconds where no name server answers."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is not worth a stack trace."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(ChaliceRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True  # or every answer waits 40 ms for the client's delayed ACK
    wbufsize = PIECE  # head and body leave together
    timeout = IDLE
    default_request_version = "HTTP/1.0"  # so that even a broken request line is answered with a head
    server_version = "Faunalens"
    sys_version = ""

    command = ""  # until a request line was read

    def __init__(
        self, request: Any, client_address: Any, server: Any, app_object: Chalice, config: Config, *, body_limit: int
    ) -> None:
        self._body_limit = body_limit
        self._body = b""
        self._waits_for_continue = False
        super().__init__(request, client_address, server, app_object, config)

    def handle_expect_100(self) -> bool:
        """Let the client wait until the head of its request has been checked."""
        self._waits_for_continue = True
        return True

    def _serve(self) -> None:
        started = time.perf_counter()
        self._status = 0
        try:
            self._body = self._read_body()
            self._generic_handle()
        except HTTPError as error:
            self._refuse(error)
        finally:
            self._waits_for_continue = False
            self._log(self._status, time.perf_counter() - started)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815  their names

    def _parse_payload(self) -> tuple[dict[str, str], bytes | None]:
        return dict(self.headers), self._body or None

    def _read_body(self) -> bytes:
        """The whole body. Raises `BadRequest`, `PhotoTooLarge`, and ConnectionError if the client goes away."""
        coding = self.headers.get("Transfer-Encoding", "").strip().lower()
        lengths = self.headers.get_all("Content-Length", [])
        if coding:
            if coding != "chunked" or lengths:
                raise BadRequest("a body is sent either with one Content-Length or with Transfer-Encoding: chunked")
            self._continue()
            return self._read_chunks()
        if not lengths:
            return b""
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise BadRequest("Content-Length has to be one whole number")
        length = int(lengths[0][:20])
        if length > self._body_limit:
            raise self._too_large()
        self._continue()
        return self._exactly(length)

    def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            if len(body) + size > self._body_limit:
                raise self._too_large()
            body += self._exactly(size)
            if self.rfile.readline(LINE).strip():
                raise BadRequest("a chunk of the body is longer than it says")
        while self.rfile.readline(LINE).strip():  # trailers
            pass
        return bytes(body)

    def _chunk_size(self) -> int:
        digits = self.rfile.readline(LINE).split(b";")[0].strip()
        try:
            if not HEXADECIMAL.fullmatch(digits):
                raise ValueError
            return int(digits, 16)
        except ValueError:
            raise BadRequest("the body's chunks have no readable sizes") from None

    def _exactly(self, length: int) -> bytes:
        body: bytes = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError("the client went away before it had sent the body")
        return body

    def _too_large(self) -> PhotoTooLarge:
        return PhotoTooLarge(f"the body is over {self._body_limit / 1e6:.0f} MB; send a smaller photo")

    def _continue(self) -> None:
        if self._waits_for_continue:
            self.send_response_only(100)
            self.end_headers()
            self.wfile.flush()
            self._waits_for_continue = False

    def _refuse(self, error: HTTPError) -> None:
        """Answer without the app, and close: what follows on the connection may be the rest of a body."""
        body = json.dumps(problem_of(error, str(uuid4())))
        self.close_connection = True
        self._send_http_response(error.status, {"Content-Type": MEDIA_TYPE, "Connection": "close"}, body)
        self.wfile.flush()
        if not self._waits_for_continue:
            self.connection.settimeout(1.0)
            left = DRAIN
            while left > 0 and (piece := self.rfile.read1(PIECE)):
                left -= len(piece)

    def _send_error_response(self, error: LocalGatewayException) -> None:  # noqa: ARG002  API Gateway's own words
        problem = problem_of(NotFound("nothing is served at this path; GET /openapi.json says what is"), str(uuid4()))
        self._send_http_response(404, {"Content-Type": MEDIA_TYPE}, json.dumps(problem))

    def _send_http_response_with_body(self, code: int, headers: dict[str, Any], body: str | bytes) -> None:
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", headers.pop("Content-Type", "application/json"))
        self._send_headers(headers)
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_response(self, code: int, message: str | None = None) -> None:
        self._status = int(code)
        super().send_response(code, message)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """What http.server itself refuses; its message may quote the request, so it is not passed on."""
        short, detail = self.responses.get(code, ("Bad Request", ""))
        problem = {"type": "about:blank", "title": short, "status": int(code), "detail": detail}
        problem |= {"code": "bad_request", "request_id": str(uuid4())}
        self.close_connection = True
        headers = {"Content-Type": MEDIA_TYPE, "Connection": "close"}
        self._send_http_response(code, headers, json.dumps(problem))
        self._log(int(code), 0.0)

    def log_message(self, *_: Any) -> None:
        """Nothing: http.server's messages hold the request line, and with it coordinates."""

    def _log(self, status: int, seconds: float) -> None:
        try:
            route = self.local_gateway.event_converter._route_matcher.match_route(self.path).route
        except (ValueError, AttributeError):
            route = "(no such path)"
        print(f"{self.command or '?'} {route} {status or 'gone'} {seconds * 1e3:.0f} ms", flush=True)

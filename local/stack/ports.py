"""TCP ports of the loopback interface, GET requests to them, and servers of the standard library on them."""

import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPMessage
from http.server import BaseHTTPRequestHandler
from socketserver import BaseServer
from threading import Thread

from local import LocalError

HOST = "127.0.0.1"
# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections: on a busy machine, one of
# those is soon taken by a connection, before the server that shall listen on it has started.
PORTS = range(20_000, 32_768)


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now. Another program may take one of them before the caller does."""
    ports = list[int]()
    with ExitStack() as stack:
        while len(ports) < count:
            with suppress(OSError):  # taken: choose again
                chosen = stack.enter_context(socket.create_server((HOST, secrets.choice(PORTS))))
                ports.append(chosen.getsockname()[1])
        return ports


def free_port() -> int:
    """Return a port that is free now."""
    return free_ports(1)[0]


def require_free(port: int, timeout: float = 1.0) -> None:
    """Wait until the port is free, which takes a moment after a run. Raises `LocalError` after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            # Like servers, this ignores connections on the port that have just closed.
            return socket.create_server((HOST, port)).close()
        except PermissionError:
            raise LocalError(f"port {port} needs root; choose one above 1023, such as PORT=8000") from None
        except OSError:
            if time.monotonic() >= deadline:
                advice = f"choose another, such as PORT={port + 1 if port < 65535 else 8000}"
                raise LocalError(f"port {port} is taken by another program; {advice}") from None
            time.sleep(0.05)


def http_get(port: int, target: str, timeout: float) -> tuple[int, HTTPMessage, bytes]:
    """Request a path and query. Return status, headers and body. Raises OSError if there is no complete response."""
    with closing(HTTPConnection(HOST, port, timeout=timeout)) as connection:
        try:
            connection.request("GET", target)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except HTTPException as error:
            raise OSError(f"{type(error).__name__}: {error}") from error


class KeepAliveHandler(BaseHTTPRequestHandler):
    """One connection of a client, which stays open between requests. It logs nothing."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # send the head of a response together with its body

    def log_message(self, *_: object) -> None:
        """Print nothing: a path may contain coordinates."""

    def send(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        """Send a response; to a HEAD request, without its body."""
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def serving[S: BaseServer](server: S) -> Iterator[S]:
    """Serve in a thread until the end of the block, and close the server then.

    By default, a server checks every half second whether to stop, and each test would wait for that.
    """
    with server:
        thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

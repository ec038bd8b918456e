"""A host of files on this machine, in place of the one that publishes the weights of packs."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local.stack.ports import serving


class WeightsHost(ThreadingHTTPServer):
    """A host of files.

    `files`: bytes by path. `cut`: number of bytes after which it closes the connection. `asked`: paths of all requests.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cut: int | None = None
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: WeightsHost

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: self.server.cut])

    def log_message(self, *_arguments: object) -> None:
        """Log nothing."""


@contextmanager
def serving_weights() -> Iterator[WeightsHost]:
    """Serve files until the end of the block."""
    with serving(server := WeightsHost()):
        yield server

"""Serve the preview on this machine: `python -m cloudwatch preview`."""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cloudwatch.preview.pages import Pages
from cloudwatch.preview.recording import Recording
from cloudwatch.progress import Progress
from cloudwatch.simulation import day
from cloudwatch.simulation.command import SEED, add_bad, write_day

PATH = "/dashboards/"
"""What the preview is served below, here and on the local server."""
HOST = "127.0.0.1"
PORT = 8010


def main(arguments: Sequence[str]) -> int:
    """The command. Returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch preview",
        description="Serve the dashboards on this machine, drawn from recorded lines or from a simulated day.",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="port to serve on, 0 for a free one (default: %(default)s)"
    )
    add_source(parser)
    parser.add_argument("--live", action="store_true", help="show time up to now, also while nothing new is recorded")
    return _run(parser.parse_args(arguments))


def add_source(parser: argparse.ArgumentParser) -> None:
    """The arguments that say which lines are shown."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--file", type=Path, help="recorded lines, such as what METRICS_FILE holds; followed as it grows"
    )
    which.add_argument("--simulate", action="store_true", help="a simulated day; so too if there is no --file")
    parser.add_argument("--seed", type=int, default=SEED, help="which simulated day (default: %(default)s)")
    add_bad(parser)
    parser.add_argument(
        "--stretch",
        type=_stretch,
        default=1.0,
        metavar="K",
        help="make time distances in the file K times longer: an outage of 3 s fills a minute with 20",
    )


def _run(arguments: argparse.Namespace) -> int:
    with recorded(arguments) as recording:
        recording.read_on()
        try:
            server = Server((HOST, arguments.port), partial(Page, pages=Pages(recording)))
        except OSError as error:
            print(
                f"port {arguments.port} cannot be used ({error.strerror}); choose another with --port", file=sys.stderr
            )
            return 1
        with server:
            print(f"{recording.told}: http://{HOST}:{server.server_port}{PATH}  (Ctrl-C ends it)", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                print()
    return 0


@contextmanager
def recorded(arguments: argparse.Namespace) -> Iterator[Recording]:
    """The lines that the arguments ask for. Raises SystemExit with a sentence if there is no such file."""
    stretched = "" if arguments.stretch == 1 else f", stretched {arguments.stretch:g} times"
    if arguments.file is not None:
        live = getattr(arguments, "live", False)
        if not live and not arguments.file.exists():
            raise SystemExit(f"there is no file {arguments.file}; record one with METRICS_FILE, or use --simulate")
        told = "The local server" if live else f"Recorded in {arguments.file.name}"
        with closing(
            Recording(arguments.file, f"{told}{stretched}", live=live, stretch=arguments.stretch)
        ) as recording:
            yield recording
        return
    with tempfile.TemporaryDirectory() as folder, Progress("simulating a day") as progress:
        path = Path(folder) / "day.jsonl"
        write_day(path, arguments.seed, progress.update, bad=arguments.bad)
        progress.end()
        recording = Recording(
            path,
            f"A simulated {'bad ' if arguments.bad else ''}day{stretched}",
            stretch=arguments.stretch,
            begin=day.START,
        )
        progress.begin("reading it")
        recording.read_on()
        recording.close()
    yield recording


class Page(BaseHTTPRequestHandler):
    """One connection to the preview."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the client's delayed ACK
    wbufsize = 65536  # head and body leave together
    timeout = 75.0  # seconds until an idle connection is closed
    server_version, sys_version = "Faunalens", ""

    def __init__(self, request: Any, client_address: Any, server: Any, *, pages: Pages) -> None:
        self._pages = pages
        super().__init__(request, client_address, server)

    def do_GET(self) -> None:
        """Answer with a page, its data, or the way to the first page."""
        path, query = split(self.path)
        if path is None:
            self._send(302, {"Location": PATH}, b"")
        else:
            reply = self._pages.answer(path, query)
            self._send(reply.status, reply.headers, reply.body)

    do_HEAD = do_GET  # noqa: N815  its name

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: a page that refreshes every few seconds would fill the terminal."""


class Server(ThreadingHTTPServer):
    """Serves the pages; a browser that goes away is not worth a stack trace."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without looking up our own name, which takes seconds where no name server answers."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def split(address: str) -> tuple[str | None, dict[str, str]]:
    """Path below the preview and query of an address; no path if it is above."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    return (path.removeprefix(PATH) if path.startswith(PATH) else None), dict(parse_qsl(parts.query))


def _stretch(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is no such factor; give one from 0.01 to 100000")
    return value

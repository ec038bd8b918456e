"""Serve the preview on this machine: `python -m cloudwatch preview`."""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from cloudwatch.preview.pages import Pages
from cloudwatch.preview.recording import Incident, Recording
from cloudwatch.progress import Progress
from cloudwatch.simulation import schedule
from cloudwatch.simulation.command import SEED, add_bad_argument, write_day

PATH = "/dashboards/"
"""The root of the preview, here and on the local server."""
HOST = "127.0.0.1"
PORT = 8010


def main(arguments: Sequence[str]) -> int:
    """Run the command. Return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch preview",
        description="Serve the dashboards on this machine, drawn from recorded lines or from a simulated day.",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, help="port to serve on; 0 picks a free one (default: %(default)s)"
    )
    add_source_arguments(parser)
    parser.add_argument("--live", action="store_true", help="always show time up to now, even without new lines")
    return _serve(parser.parse_args(arguments))


def add_source_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose the lines to show."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--file", type=Path, help="recorded lines, such as a METRICS_FILE; followed as it grows")
    source.add_argument("--simulate", action="store_true", help="a simulated day, the default without --file")
    parser.add_argument("--seed", type=int, default=SEED, help="which simulated day (default: %(default)s)")
    add_bad_argument(parser)
    parser.add_argument(
        "--stretch",
        type=_stretch,
        default=1.0,
        metavar="K",
        help="multiply time distances in the file by K: with 20, an outage of 3 s fills a minute",
    )


def _serve(arguments: argparse.Namespace) -> int:
    _check_file(arguments)
    # A script's background job ignores SIGINT unless a handler is set, and SIGTERM should end it as quietly.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        server = PreviewServer((HOST, arguments.port))  # before the simulation: a taken port shows at once
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a port number"
        print(
            f"port {arguments.port} cannot be used ({reason}); choose another with --port, or PORT= with make",
            file=sys.stderr,
        )
        return 1
    with server, open_recording(arguments) as recording:
        recording.read_new_lines()
        server.pages = Pages(recording)
        address = f"http://{HOST}:{server.server_port}{PATH}"
        try:
            print(f"{recording.description}: {address}  (Ctrl-C ends it)", flush=True)
            server.serve_forever()
        except KeyboardInterrupt:
            print()
    return 0


@contextmanager
def open_recording(arguments: argparse.Namespace) -> Iterator[Recording]:
    """Open the lines that the arguments choose. Raises SystemExit if the file does not exist."""
    _check_file(arguments)
    if arguments.file is not None:
        live = getattr(arguments, "live", False)
        description = "The local server" if live else f"Recorded in {arguments.file.name}"
        description += _stretched(arguments.stretch)
        with closing(Recording(arguments.file, description, live=live, stretch=arguments.stretch)) as recording:
            yield recording
        return
    with tempfile.TemporaryDirectory() as folder, Progress("simulating a day") as progress:
        path = Path(folder) / "day.jsonl"
        write_day(path, arguments.seed, progress.update, bad=arguments.bad)
        progress.end()
        recording = simulated_day(path, bad=arguments.bad, stretch=arguments.stretch)
        progress.begin("reading it")
        recording.read_new_lines()
        recording.close()
    yield recording


def simulated_day(path: Path, *, bad: bool = False, stretch: float = 1.0) -> Recording:
    """Return a recording of the simulated day that lists its incidents and opens at one, unless stretched."""
    description = f"A simulated {'bad ' if bad else ''}day"
    if stretch != 1:
        return Recording(path, f"{description}{_stretched(stretch)}", stretch=stretch, begin=schedule.START)
    incidents = [Incident(*each) for each in schedule.incidents(bad=bad)]
    return Recording(path, description, begin=schedule.START, incidents=incidents, opening=schedule.OPENING)


def _stretched(stretch: float) -> str:
    return "" if stretch == 1 else f", stretched {stretch:g} times"


class PreviewServer(ThreadingHTTPServer):
    """An HTTP server for `pages`. A browser that disconnects does not print a stack trace."""

    daemon_threads = True
    pages: Pages

    def __init__(self, address: tuple[str, int], pages: Pages | None = None) -> None:
        if pages is not None:
            self.pages = pages
        super().__init__(address, PreviewHandler)

    def server_bind(self) -> None:
        """Bind without looking up our own host name, which takes seconds without a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the stack trace of an error, unless the client disconnected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class PreviewHandler(BaseHTTPRequestHandler):
    """Handles the requests of one connection."""

    server: PreviewServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each response waits 40 ms for the client's delayed ACK
    wbufsize = 65536  # send head and body together
    timeout = 75.0  # seconds until an idle connection is closed
    server_version, sys_version = "Faunalens", ""

    def do_GET(self) -> None:
        """Send a page or its data, or redirect to the overview."""
        path, query = split_address(self.path)
        if path is None:
            self._send(302, {"Location": PATH}, b"")
        else:
            reply = self.server.pages.respond(path, query)
            self._send(reply.status, reply.headers, reply.body)

    do_HEAD = do_GET  # noqa: N815  the name that http.server calls

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing: a page refreshes every few seconds and would fill the terminal."""


def split_address(address: str) -> tuple[str | None, dict[str, str]]:
    """Return the path below the preview's root, or None outside of it, and the query of a request target."""
    parts = urlsplit(address)
    path = unquote(parts.path)
    return (path.removeprefix(PATH) if path.startswith(PATH) else None), dict(parse_qsl(parts.query))


def _check_file(arguments: argparse.Namespace) -> None:
    if arguments.file is not None and not getattr(arguments, "live", False) and not arguments.file.exists():
        raise SystemExit(f"there is no file {arguments.file}; record one with METRICS_FILE, or use --simulate")


def _stretch(text: str) -> float:
    value = float(text)
    if not 0.01 <= value <= 100_000:
        raise argparse.ArgumentTypeError(f"{text} is out of range; give a factor from 0.01 to 100000")
    return value

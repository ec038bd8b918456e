"""Serve the preview on this machine: `python -m dashboards preview`."""

import argparse
import os
import signal
import socket
import sys
from asyncio import to_thread
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from chalicelib.api.http import Response
from dashboards.preview.pages import Pages
from dashboards.preview.recording import Recording
from dashboards.simulation import schedule
from dashboards.simulation.day import CASES, Case, lines

PATH = "/dashboards/"
"""The root of the preview on its own server and on the local server."""
HOST = "127.0.0.1"
PORT = 8010


def main(words: Sequence[str]) -> int:
    """Serve the preview until Ctrl-C. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboards preview",
        description="Serve the dashboards on this machine, with the metrics of a file or of a simulated day.",
    )
    add = parser.add_argument
    add("--port", type=int, default=PORT, help="port to serve on; 0 selects a free port (default: %(default)s)")
    file = "show this file of metric lines, such as the app's METRICS_FILE, instead of a simulated day; it may grow"
    add("--file", type=Path, help=file)
    add("--live", action="store_true", help="show the time up to now, even if there are no new lines")
    bad = "simulate a day on which the alarm `page` fires, because requests exceed the limit of containers at noon"
    add("--bad", action="store_true", help=bad)
    drift = "simulate a day on which photos or answers change, so that the alarm `drift` fires: a broken firmware of "
    add("--drift", choices=CASES, help=f"{drift}cameras, a season, or a model without calibrated scores")
    options = parser.parse_args(words)
    if options.file is not None and not options.live and not options.file.exists():
        raise SystemExit(f"file {options.file} does not exist; run the app with METRICS_FILE to record it")
    # A background job of a script ignores SIGINT unless a handler is set. SIGTERM ends the process in the same way.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        # Open the socket before the simulation, so that a port in use is reported at once.
        listener = socket.create_server((HOST, options.port))
        # asyncio does this only for sockets whose protocol is explicitly TCP. Without it, a response waits 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except (OSError, OverflowError) as error:
        reason = os.strerror(error.errno or 0) if isinstance(error, OSError) else "not a port number"
        what = f"port {options.port} cannot be used ({reason})"
        print(f"{what}; choose another port with --port, or with PORT= for make", file=sys.stderr)
        return 1
    with listener:
        if options.file is not None:
            description = "The local server" if options.live else f"Recorded in {options.file.name}"
            recording = Recording(options.file, description, live=options.live)
            recording.read_new_lines()
        else:
            recording = simulated_day(bad=options.bad, drift=options.drift)
        address = f"http://{HOST}:{listener.getsockname()[1]}{PATH}"
        server = build_server(Pages(recording))
        for number in (signal.SIGINT, signal.SIGTERM):  # an exception could come just before the event loop begins
            signal.signal(number, server.handle_exit)
        print(f"{recording.description}: {address}  (Ctrl-C stops the server)", flush=True)
        server.run([listener])
        print()
    return 0


def simulated_day(*, bad: bool = False, drift: Case | None = None) -> Recording:
    """Return the recording of a simulated day. The preview lists its incidents, and opens at one of them."""
    print("simulating a day …", file=sys.stderr, flush=True)
    incidents, description = schedule.incidents(bad=bad, drift=drift), f"A simulated {'bad ' if bad else ''}day"
    opening = incidents[0].until if drift else schedule.OPENING
    recording = Recording(None, description, begin=schedule.START, incidents=incidents, opening=opening)
    for minute in lines(bad=bad, drift=drift):
        for line in minute.splitlines():
            recording.add(line)
    return recording


def build_server(pages: Pages) -> uvicorn.Server:
    """Return an HTTP server for `pages`. To start it, pass a list with a listening socket to its method `run`."""

    async def respond(scope: MutableMapping[str, Any], _: object, send: Callable[[Any], Awaitable[None]]) -> None:
        path, query = scope["path"], dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if scope["method"] not in ("GET", "HEAD"):
            response = Response(b"", {}, 501)
        elif not path.startswith(PATH):
            response = Response(b"", {"Location": PATH}, 302)
        else:
            response = await to_thread(pages.respond, path.removeprefix(PATH), query)
        headers = {"Content-Length": str(len(response.body)), **response.headers}
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": pairs})
        await send({"type": "http.response.body", "body": response.body})  # uvicorn drops the body for HEAD

    # No access log: each open page sends a request every few seconds.
    no_logs: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "loop": "asyncio"}
    return uvicorn.Server(uvicorn.Config(respond, lifespan="off", ws="none", timeout_keep_alive=75, **no_logs))

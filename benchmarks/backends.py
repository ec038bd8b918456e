"""The app over HTTP, its backends (real PostgreSQL with the project's data, real Valkey), and clients that load it.

`run` is a closed loop: each client has one connection and sends the next photo as soon as it has the answer. The
clients send the photos in turn. Requests that start in the first second do not count, because the first upload of a
connection is slow.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from local.stack import valkey
from local.stack.child_process import ChildProcess
from local.stack.ports import HOST, free_port, http_get
from tests.support.feature_rig import serve_loaded


@contextmanager
def backends() -> Iterator[dict[str, str]]:
    """Run PostgreSQL and Valkey until the end of the block; yield the environment variables of the app.

    The app takes no second look at photos: made-up photos are doubtful, so each would get one. That is no server
    overhead; `benchmarks.request` measures its time, and `benchmarks.field` its benefit.
    """
    with valkey.serve() as cache, serve_loaded() as database:
        yield {"DATABASE_URL": database.url, "REDIS_URL": cache.url, "METRICS_FILE": os.devnull, "SECOND_LOOK": "false"}


def is_served(port: int) -> bool:
    """Return whether the app answers on a port."""
    try:
        return http_get(port, "/openapi.json", 5)[0] == 200
    except OSError:
        return False


def post(port: int, photo: bytes, target: str = "/identify") -> int:
    """Send a photo to a server on this machine. Return the status, 0 if the connection failed."""
    try:
        with closing(HTTPConnection(HOST, port, timeout=120)) as connection:
            connection.request("POST", target, photo, {"Content-Type": "application/octet-stream"})
            response = connection.getresponse()
            response.read()
            return response.status
    except (OSError, HTTPException):
        return 0


@contextmanager
def served_app(
    environment: Mapping[str, str],
    log: Path,
    *module: str,
    python: str | Path = sys.executable,
    is_ready: Callable[[int], bool] = is_served,
) -> Iterator[tuple[ChildProcess, int]]:
    """Serve the app from another process until the end of the block; yield the process and its port.

    `module`: name and arguments of another program that serves the app. `is_ready`: whether it answers on a port.
    """
    port = free_port()
    program = [python, "-m", *(module or ("local.serve",)), "--port", str(port)]
    with ChildProcess("the server", program, log=log, environment={**os.environ, **environment}) as app:
        app.wait_until(lambda: is_ready(port), 60)
        yield app, port


WARM_UP_SECONDS = 1.0


class Reply(NamedTuple):
    """A sent request. `status`: of its response, 0 without one. `start`, `end`: times of `perf_counter`."""

    status: int
    start: float
    end: float


class Load(NamedTuple):
    """The measurements of all clients in a run.

    `rate`: requests that succeeded per second, after the warm-up. `seconds`: duration of each request that started
    after the warm-up and succeeded. `answered` and `failed`: numbers of requests, including those of the warm-up.
    """

    rate: float
    seconds: list[float]
    answered: int
    failed: int


async def send(port: int, requests: Iterator[bytes], replies: list[Reply]) -> None:
    """Send requests on a new connection, each once the previous one is answered. Append to `replies`."""
    status: int | None = 0
    start = perf_counter()
    with suppress(OSError, asyncio.IncompleteReadError, ValueError, IndexError):  # also of an answer without a length
        reader, writer = await asyncio.open_connection(HOST, port)
        with closing(writer):
            status = None  # there may be nothing to send
            for request in requests:
                status, start = 0, perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(None, 1)[0]))
                status = int(head.split(None, 2)[1])
                replies.append(Reply(status, start, perf_counter()))
    if status == 0:
        replies.append(Reply(0, start, perf_counter()))


def request_of(method: str, target: str, body: bytes = b"", head: str = "") -> bytes:
    """Return the bytes of a request. `head`: further lines of its head."""
    lines = f"{method} {target} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/octet-stream\r\n{head}"
    return f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def run(port: int, target: str, photos: list[bytes], connections: int, seconds: float) -> Load:
    """Send photos to a server of this machine for some seconds in a closed loop. Return the figures of the run."""
    turns = cycle([request_of("POST", target, photo) for photo in photos])
    begin = perf_counter() + WARM_UP_SECONDS
    end = begin + seconds
    replies: list[Reply] = []

    def until_end() -> Iterator[bytes]:
        while perf_counter() < end:
            yield next(turns)

    await asyncio.gather(*(send(port, until_end(), replies) for _ in range(connections)))
    good = [reply for reply in replies if reply.status == 200]
    return Load(
        rate=sum(begin <= reply.end < end for reply in good) / seconds,
        seconds=[reply.end - reply.start for reply in good if reply.start >= begin],
        answered=sum(reply.status != 0 for reply in replies),
        failed=len(replies) - len(good),
    )


def send_all(port: int, folder: Path, connections: int, seconds: float) -> Load:
    """Send the photos of a folder for some seconds. Return the figures of the run."""
    photos = [path.read_bytes() for path in sorted(folder.iterdir())]
    return asyncio.run(run(port, "/identify", photos, connections, seconds))

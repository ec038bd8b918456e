"""Clients that send requests to one server.

`run` is a closed loop: each client has one connection and sends the next photo as soon as it has the answer. The
clients send the photos in turn. Requests that start in the first second do not count, because the first upload of a
connection is slow.
"""

import asyncio
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import NamedTuple
from urllib.parse import urlsplit

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


async def send(host: str, port: int, requests: Iterator[bytes], replies: list[Reply]) -> None:
    """Send requests on a new connection, each once the previous one is answered. Append to `replies`."""
    status: int | None = 0
    start = perf_counter()
    with suppress(OSError, asyncio.IncompleteReadError, ValueError, IndexError):  # also of an answer without a length
        reader, writer = await asyncio.open_connection(host, port)
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


def request_of(method: str, target: str, host: str, body: bytes = b"", head: str = "") -> bytes:
    """Return the bytes of a request. `head`: further lines of its head."""
    lines = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/octet-stream\r\n{head}"
    return f"{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def run(url: str, photos: list[bytes], connections: int, seconds: float) -> Load:
    """Send photos for some seconds in a closed loop. Return the figures of the run."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    target = address._replace(scheme="", netloc="").geturl()
    turns = cycle([request_of("POST", target, address.netloc, photo) for photo in photos])
    begin = perf_counter() + WARM_UP_SECONDS
    end = begin + seconds
    replies: list[Reply] = []

    def until_end() -> Iterator[bytes]:
        while perf_counter() < end:
            yield next(turns)

    await asyncio.gather(*(send(address.hostname, address.port, until_end(), replies) for _ in range(connections)))
    good = [reply for reply in replies if reply.status == 200]
    return Load(
        rate=sum(begin <= reply.end < end for reply in good) / seconds,
        seconds=[reply.end - reply.start for reply in good if reply.start >= begin],
        answered=sum(reply.status != 0 for reply in replies),
        failed=len(replies) - len(good),
    )


def send_all(url: str, folder: Path, connections: int, seconds: float) -> Load:
    """Send the photos of a folder for some seconds. Return the figures of the run."""
    return asyncio.run(run(url, [path.read_bytes() for path in sorted(folder.iterdir())], connections, seconds))

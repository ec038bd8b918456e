"""Clients that send requests to one server: `python -m benchmarks.peers.client URL FOLDER`.

The program is a closed loop: each client has one connection and sends the next photo as soon as it has the answer. The
clients send the photos of a folder in turn. Requests that start in the first second do not count, because the first
upload of a connection is slow. The result is one JSON object on standard output.

The clients take 0.3 ms of processor time per request with small photos, and 1.1 ms with photos of 3 MB.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httptools

WARM_UP_SECONDS = 1.0


class Reply(NamedTuple):
    """One request. `status`: 0 without an answer. `start`, `end`: moments of `perf_counter`."""

    status: int
    start: float
    end: float


class Load(NamedTuple):
    """What the clients found.

    `rate`: requests that succeeded per second, after the warm-up. `seconds`: duration of each request that started
    after the warm-up and succeeded. `answered` and `failed`: numbers of requests, including those of the warm-up.
    """

    rate: float
    seconds: list[float]
    answered: int
    failed: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the JSON object that the clients print."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """Return the JSON object."""
        return json.dumps(self._asdict())


class Client(asyncio.Protocol):
    """One connection. It sends each request as soon as the answer to the one before is complete.

    `replies`: where it notes what became of its requests. `done`: set when the connection has ended.
    """

    def __init__(self, requests: Iterator[bytes], replies: list[Reply]) -> None:
        self._requests, self._replies = requests, replies
        self._start: float | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        if (request := next(self._requests, None)) is None:
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._start = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Parse a part of a response."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Note the answer, and send the next request."""
        self._note(self._parser.get_status_code())
        asyncio.get_running_loop().call_soon(self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Note a request without an answer."""
        self._note(0)
        if not self.done.done():
            self.done.set_result(None)

    def _note(self, status: int) -> None:
        if self._start is not None:
            self._replies.append(Reply(status, self._start, perf_counter()))
            self._start = None


async def send(host: str, port: int, requests: Iterator[bytes], replies: list[Reply]) -> None:
    """Send requests one after the other on a new connection, and wait for its end."""
    start = perf_counter()
    try:
        _, client = await asyncio.get_running_loop().create_connection(lambda: Client(requests, replies), host, port)
        await client.done
    except OSError:
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


def main() -> None:
    """Run the clients and print the figures."""
    parser = argparse.ArgumentParser(description="Send photos to one server in a closed loop.")
    parser.add_argument("url", help="address to send the photos to")
    parser.add_argument("folder", type=Path, help="folder of the photos")
    parser.add_argument("--connections", type=int, default=8, help="number of clients (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=8.0, help="duration (default: %(default)s)")
    options = parser.parse_args()
    photos = [path.read_bytes() for path in sorted(options.folder.iterdir())]
    print(asyncio.run(run(options.url, photos, options.connections, options.seconds)).text())


if __name__ == "__main__":
    main()

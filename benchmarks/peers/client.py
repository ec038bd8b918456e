"""A closed loop of clients that send photos to one server: `python -m benchmarks.peers.client URL FOLDER`.

Each client has one connection and sends the next photo as soon as it has the answer. The clients send the photos of a
folder in turn. Requests that start in the first second do not count, because the first upload of a connection is slow.
The result is one JSON object on standard output.

With small photos the clients take 0.3 ms of processor time per request, and wrk takes 0.2 ms. With photos of 3 MB both
take 1.1 ms, mostly for copying the photo. wrk is not used because it is not a Python package.
"""

import argparse
import asyncio
import json
import resource
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httptools

WARM_UP_SECONDS = 1.0


class Load(NamedTuple):
    """What the clients found.

    `rate`: requests that succeeded per second, after the warm-up. `seconds`: duration of each request that started
    after the warm-up and succeeded. `answered` and `failed`: numbers of requests, including those of the warm-up.
    `cpu`: seconds of processor time that the clients took.
    """

    rate: float
    seconds: Sequence[float]
    answered: int
    failed: int
    cpu: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the JSON object that the clients print."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """Return the JSON object."""
        return json.dumps(self._asdict())


class Clients:
    """The results of all clients, and the photos that they send."""

    def __init__(self, requests: list[bytes], begin: float, until: float) -> None:
        self.requests, self.begin, self.until = requests, begin, until
        self.numbers = count()
        self.answered = 0
        self.succeeded = 0
        self.seconds: list[float] = []
        self.failed = 0
        self.open = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Client(asyncio.Protocol):
    """One keep-alive connection. It sends the next request as soon as the answer to the previous one is complete."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._started: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._clients.open += 1
        self._send()

    def _send(self) -> None:
        clients = self._clients
        if time.perf_counter() >= clients.until:
            self._started = None
            self._transport.close()
            return
        self._parser = httptools.HttpResponseParser(self)
        self._started = time.perf_counter()
        self._transport.write(clients.requests[next(clients.numbers) % len(clients.requests)])

    def data_received(self, data: bytes) -> None:
        """Parse a part of a response."""
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Note the duration of the request, and send the next one."""
        assert self._started is not None
        clients, now = self._clients, time.perf_counter()
        clients.answered += 1
        if self._parser.get_status_code() != 200:
            clients.failed += 1
        else:
            clients.succeeded += clients.begin <= now < clients.until
            if self._started >= clients.begin:
                clients.seconds.append(now - self._started)
        asyncio.get_running_loop().call_soon(self._send)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Count a request without an answer."""
        clients = self._clients
        clients.failed += self._started is not None
        clients.open -= 1
        if not clients.open and not clients.done.done():
            clients.done.set_result(None)


def request_of(photo: bytes, host: str, target: str) -> bytes:
    """Return the bytes of a request for a photo."""
    head = f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/octet-stream\r\n"
    return f"{head}Content-Length: {len(photo)}\r\n\r\n".encode() + photo


async def run(url: str, photos: list[bytes], connections: int, seconds: float) -> Load:
    """Send photos for some seconds. Return the figures of the run."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    target = address._replace(scheme="", netloc="").geturl()
    requests = [request_of(photo, address.netloc, target) for photo in photos]
    loop, begin = asyncio.get_running_loop(), time.perf_counter() + WARM_UP_SECONDS
    clients = Clients(requests, begin, begin + seconds)
    for _ in range(connections):
        await loop.create_connection(lambda: Client(clients), address.hostname, address.port)
    await clients.done
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    return Load(clients.succeeded / seconds, clients.seconds, clients.answered, clients.failed, cpu)


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

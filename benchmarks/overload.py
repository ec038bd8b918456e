"""The HTTP server at ten times its capacity: `python -m benchmarks.overload`.

The load is an open loop: photos arrive on schedule, each on a new connection, however long the answers take. The server
and its client share the machine, so the client's work makes the server slower than it would be alone.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.attacks import AttackedServer, server
from benchmarks.measure import parser, table, verdict
from benchmarks.peers.client import run
from local.stack.ports import HOST
from testing.pictures import encoded, noise

WARM_UP = 100
"""Photos sent one after another, to measure the unloaded server."""
CAPACITY_SECONDS = 5.0
CLIENTS = 16
"""Clients of the closed loop that measures the capacity."""
PROBE_SECONDS = 0.2
"""Pause between two requests for the animals of a place, which are sent while the photos are sent."""


@dataclass(slots=True)
class LoadResults:
    """The results of requests. `seconds`: the response times by status; status 0 is a connection that failed."""

    seconds: dict[int, list[float]] = field(default_factory=dict)

    def add(self, status: int, seconds: float) -> None:
        """Add the result of a request."""
        self.seconds.setdefault(status, []).append(seconds)

    def number(self, status: int) -> int:
        """Return the number of requests with a status."""
        return len(self.seconds.get(status, []))

    def p99(self, status: int) -> float:
        """Return the 99th percentile of the requests with a status, in ms; NaN if there are none."""
        found = self.seconds.get(status)
        return float(np.percentile(found, 99)) * 1e3 if found else float("nan")


class Client(asyncio.Protocol):
    """One connection with one request. The client does little, to leave the processors to the server."""

    def __init__(self, request: bytes, results: LoadResults) -> None:
        self._request, self._results = request, results
        self._head = b""
        self._started = time.perf_counter()
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Keep the first bytes, which contain the status."""
        if not self._head:
            self._head = data[:16]
            self._results.add(int(self._head[9:12]), time.perf_counter() - self._started)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that ended without a response."""
        del exc
        if not self._head:
            self._results.add(0, time.perf_counter() - self._started)
        if not self.done.done():
            self.done.set_result(None)


def request(method: str, target: str, body: bytes = b"") -> bytes:
    """Return the bytes of a request with `Connection: close`."""
    head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/jpeg\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def send(port: int, data: bytes, results: LoadResults) -> None:
    """Send a request on a new connection and wait for the end of the connection."""
    started = time.perf_counter()
    try:
        _, client = await asyncio.get_running_loop().create_connection(lambda: Client(data, results), HOST, port)
        await client.done
    except OSError:
        results.add(0, time.perf_counter() - started)


async def open_loop(port: int, data: bytes, rate: float, seconds: float, results: LoadResults) -> None:
    """Send `rate` requests a second, whether or not earlier requests have been answered."""
    started, tasks = time.perf_counter(), set[asyncio.Task[None]]()
    number = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        while number < elapsed * rate:
            task = asyncio.create_task(send(port, data, results))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.002)
    await asyncio.wait_for(asyncio.gather(*tasks), 60)


async def probe(port: int, seconds: float, results: LoadResults) -> None:
    """Request the animals of a place repeatedly, with a pause of `PROBE_SECONDS`."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        await send(port, request("GET", "/animals?lat=-33.9&lon=151.2"), results)
        await asyncio.sleep(PROBE_SECONDS)


async def measure(
    attacked: AttackedServer, photo: bytes, factor: float, seconds: float, report: Callable[[str], None]
) -> str:
    """Measure the capacity of a server, then overload it by `factor`. Return the table of the results."""
    data = request("POST", "/identify?location=none", photo)
    unloaded = LoadResults()
    for _ in range(WARM_UP):
        await send(attacked.port, data, unloaded)
    url = f"http://{HOST}:{attacked.port}/identify?location=none"
    rate = (await run(url, [photo], CLIENTS, CAPACITY_SECONDS)).rate
    report(f"capacity: {rate:.0f} photos/s with {CLIENTS} clients; sending {factor * rate:.0f}/s for {seconds:.0f} s …")
    await asyncio.sleep(2)
    loaded, beside = LoadResults(), LoadResults()
    with attacked.peak() as peak:
        await asyncio.gather(
            open_loop(attacked.port, data, factor * rate, seconds, loaded), probe(attacked.port, seconds, beside)
        )
        highest = peak()
    await asyncio.sleep(min(60.0, seconds))
    left, total = attacked.grown(), sum(map(len, loaded.seconds.values()))
    ratio = loaded.p99(200) / unloaded.p99(200)
    animals = beside.p99(200)
    rows: list[tuple[str, str, str, bool | None]] = [
        ("answered", f"{loaded.number(200) / seconds:.0f} a second of {rate:.0f}", "", None),
        ("p99 of answers", f"{loaded.p99(200):.0f} ms, {ratio:.1f} × unloaded", "at most 3 ×", ratio <= 3),
        ("p99 of refusals (503)", f"{loaded.p99(503):.0f} ms", "at most 100 ms", loaded.p99(503) <= 100),
        ("failed connections", f"{loaded.number(0)} of {total}", "none", not loaded.number(0)),
        ("p99 of GET /animals", f"{animals:.0f} ms", "at most 500 ms", animals <= 500),
        ("memory over idle", f"{highest:.0f} MB", "at most 400 MB", highest <= 400),
        ("a minute later", f"{left:.0f} MB", "at most 100 MB", left <= 100),
    ]
    return table(
        [[name, found, target, "" if kept is None else verdict(kept)] for name, found, target, kept in rows],
        [f"{factor:g} × capacity for {seconds:.0f} s", "found", "target", "result"],
    )


def main() -> None:
    """Overload a new server in each run and print its table of results."""
    options = parser(__doc__, 1, of="runs")
    options.add_argument("--factor", type=float, default=10, help="load divided by capacity (default: %(default)s)")
    options.add_argument("--seconds", type=float, default=60, help="duration of the overload (default: %(default)s)")
    options.add_argument("--photo", type=Path, help="photo to send (default: a JPEG of 640 × 480)")
    chosen = options.parse_args()
    photo = chosen.photo.read_bytes() if chosen.photo else encoded(noise(640, 480), "JPEG", quality=85)
    for _ in range(chosen.rounds):
        with server() as attacked:
            print(asyncio.run(measure(attacked, photo, chosen.factor, chosen.seconds, _report)))


def _report(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()

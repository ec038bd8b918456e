"""The HTTP server at ten times its capacity: `python -m benchmarks.overload`.

The load is an open loop: photos arrive on schedule, each on a new connection, however long the answers take. The server
and its client share the machine, so the client's work makes the server slower than it would be alone. What an overload
costs is therefore measured by the server's processor time for each answer, refusals included, compared with that at its
capacity, when it refuses none.
"""

import asyncio
import sys
from time import perf_counter

import numpy as np

from benchmarks.attacks import AttackedServer, server
from benchmarks.backends import Reply, request_of, run, send
from benchmarks.measure import cpu_seconds, options, targets
from tests.support.pictures import encoded, noise

WARM_UP = 100
"""Photos sent one after another, to measure the unloaded server."""
CAPACITY_SECONDS = 5.0
CLIENTS = 16
"""Clients of the closed loop that measures the capacity."""
PROBE_SECONDS = 0.2
"""Pause between two requests for the animals of a place, which are sent while the photos are sent."""
CLOSE = "Connection: close\r\n"


def p99(replies: list[Reply], status: int = 200) -> float:
    """Return the 99th percentile of the requests with a status, in ms; NaN if there are none."""
    seconds = [reply.end - reply.start for reply in replies if reply.status == status]
    return float(np.percentile(seconds, 99)) * 1e3 if seconds else float("nan")


async def open_loop(port: int, data: bytes, rate: float, seconds: float, replies: list[Reply]) -> None:
    """Send `rate` requests a second, whether or not earlier requests have been answered."""
    started, tasks = perf_counter(), set[asyncio.Task[None]]()
    number = 0
    while (elapsed := perf_counter() - started) < seconds:
        while number < elapsed * rate:
            task = asyncio.create_task(send(port, iter([data]), replies))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.sleep(0.002)
    await asyncio.wait_for(asyncio.gather(*tasks), 60)


async def probe(port: int, seconds: float, replies: list[Reply]) -> None:
    """Request the animals of a place repeatedly, with a pause of `PROBE_SECONDS`."""
    until = perf_counter() + seconds
    while perf_counter() < until:
        await send(port, iter([request_of("GET", "/animals?lat=-33.9&lon=151.2", head=CLOSE)]), replies)
        await asyncio.sleep(PROBE_SECONDS)


async def measure(attacked: AttackedServer, photo: bytes, factor: float, seconds: float) -> str:
    """Measure the capacity of a server, then overload it by `factor`. Return the table of the results."""
    port, target = attacked.port, "/identify?location=none"
    data = request_of("POST", target, photo, CLOSE)
    unloaded: list[Reply] = []
    for _ in range(WARM_UP):
        await send(port, iter([data]), unloaded)
    began = cpu_seconds(attacked.pid)
    full = await run(port, target, [photo], CLIENTS, CAPACITY_SECONDS)
    rate, cost = full.rate, (cpu_seconds(attacked.pid) - began) / full.answered
    said = f"capacity: {rate:.0f} photos/s with {CLIENTS} clients; sending {factor * rate:.0f}/s for {seconds:.0f} s …"
    print(said, file=sys.stderr, flush=True)
    await asyncio.sleep(2)
    loaded: list[Reply] = []
    beside: list[Reply] = []
    began = cpu_seconds(attacked.pid)
    with attacked.peak() as peak:
        await asyncio.gather(open_loop(port, data, factor * rate, seconds, loaded), probe(port, seconds, beside))
        highest = peak()
    spent = cpu_seconds(attacked.pid) - began
    await asyncio.sleep(min(60.0, seconds))
    left, answered = attacked.grown(), sum(reply.status == 200 for reply in loaded)
    lost = sum(reply.status == 0 for reply in loaded)
    share, refused = answered * cost / spent, sum(reply.status == 503 for reply in loaded)
    ratio, animals, refusals = p99(loaded) / p99(unloaded), p99(beside), p99(loaded, 503)
    rows: list[tuple[str, str, str, bool | None]] = [
        ("answered", f"{answered / seconds:.0f} a second of {rate:.0f}", "", None),
        ("processor time for answers", f"{share:.2f} of the server's", "at least 0.90", share >= 0.9),
        ("a refusal", f"{(spent - answered * cost) / max(refused, 1) * 1e3:.2f} ms of it", "", None),
        ("p99 of answers", f"{p99(loaded):.0f} ms, {ratio:.1f} × unloaded", "at most 3 ×", ratio <= 3),
        ("p99 of refusals (503)", f"{refusals:.0f} ms", "at most 100 ms", refusals <= 100),
        ("failed connections", f"{lost} of {len(loaded)}", "none", not lost),
        ("p99 of GET /animals", f"{animals:.0f} ms", "at most 500 ms", animals <= 500),
        ("memory over idle", f"{highest:.0f} MB", "at most 400 MB", highest <= 400),
        ("a minute later", f"{left:.0f} MB", "at most 100 MB", left <= 100),
    ]
    return targets(f"{factor:g} × capacity for {seconds:.0f} s", rows)


def main() -> None:
    """Overload a new server and print the table of results."""
    factor, seconds = (10.0, "load divided by capacity"), (60.0, "duration of the overload")
    chosen = options(__doc__, factor=factor, seconds=seconds)
    photo = encoded(noise(640, 480), "JPEG", quality=85)
    with server() as attacked:
        print(asyncio.run(measure(attacked, photo, chosen.factor, chosen.seconds)))


if __name__ == "__main__":
    main()

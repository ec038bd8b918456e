"""The cost of attacks on the HTTP server: `python -m benchmarks.attacks`.

Each attack has its own server, which runs without Redis and PostgreSQL. The server first answers a few photos, and its
idle memory is measured. The memory figures show how much its resident memory grows from there.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import product
from pathlib import Path

from PIL import Image

from benchmarks.backends import post, request_of, served_app
from benchmarks.measure import forget_peak, megabytes, options, table
from local.stack.ports import HOST
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise, scene

PLACE = "/identify?lat=-33.9&lon=151.2"
WITHOUT_STORES = {"REDIS_URL": "redis://127.0.0.1:9", "DATABASE_URL": "postgresql://nobody@127.0.0.1:9/nothing"}


class AttackedServer:
    """A server process that runs without Redis and PostgreSQL."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid
        for _ in range(20):
            post(port, jpeg(), PLACE)
        self.idle = megabytes("VmRSS", pid)

    @contextmanager
    def peak(self) -> Iterator[Callable[[], float]]:
        """Yield a function that returns the peak memory since the start of the block, in MB above the idle memory."""
        forget_peak(self.pid)
        yield lambda: megabytes("VmHWM", self.pid) - self.idle

    def grown(self) -> float:
        """Return the growth of memory since the server was idle, in MB."""
        return megabytes("VmRSS", self.pid) - self.idle


@contextmanager
def server() -> Iterator[AttackedServer]:
    """Run a server process until the end of the block."""
    with served_app(WITHOUT_STORES, Path(os.devnull), "faunalens.web") as (process, port):
        yield AttackedServer(port, process.pid)


def at_once(photos: Sequence[bytes], target: str, clients: int, each: int = 1) -> str:
    """Let each client send `each` photos. Return the peak memory, the memory 20 s later, and the HTTP statuses."""
    with server() as attacked, attacked.peak() as peak, ThreadPoolExecutor(clients) as pool:
        sent = range(clients * each)
        statuses = set(pool.map(lambda number: post(attacked.port, photos[number % len(photos)], target), sent))
        highest = peak()
        time.sleep(20)  # until the memory that the attack left is read
        return f"{highest:.0f} MB, then {attacked.grown():.0f}, {'/'.join(map(str, sorted(statuses)))}"


def mixed(clients: int) -> str:
    """Let clients send photos of all formats and sizes. Return the same figures as `at_once`."""
    kinds = product(("JPEG", "PNG", "WEBP", "HEIF"), (320, 1600, 2400))
    photos = [encoded(noise(width, width * 3 // 4), kind, exif=exif(SYDNEY)) for kind, width in kinds]
    return at_once(photos, "/identify", clients, each=3)


def slow_bodies() -> str:
    """Send 20 bodies without their last byte. Return the peak memory, and the time until all connections are closed."""
    with server() as attacked, attacked.peak() as peak, ThreadPoolExecutor(20) as pool:
        body = request_of("POST", PLACE, bytes(20_000_000))[:-1]

        def send(_: int) -> float:
            started = time.monotonic()
            with suppress(OSError), socket.create_connection((HOST, attacked.port), timeout=60) as sender:
                sender.sendall(body)
                while sender.recv(65536):
                    pass
            return time.monotonic() - started

        seconds = list(pool.map(send, range(20)))
        return f"{peak():.0f} MB, all cut off after {max(seconds):.0f} s"


def slow_heads() -> str:
    """Send 300 incomplete request heads. Return another client's response time, and the time until all are closed."""
    with server() as attacked:
        held = [socket.create_connection((HOST, attacked.port), timeout=60) for _ in range(300)]
        started = time.monotonic()
        for each in held:
            each.sendall(b"GET / HTTP/1.1\r\nHost: lo")
        status = post(attacked.port, jpeg(), PLACE)
        waited = time.monotonic() - started
        for each in held:
            with closing(each), suppress(OSError):
                while each.recv(65536):
                    pass
        return f"{status} after {waited * 1e3:.0f} ms, cut off after {time.monotonic() - started:.0f} s"


def costly(make: Callable[[], bytes]) -> str:
    """Send a photo that is expensive to decode. Return the response time and the status."""
    photo = make()
    with server() as attacked:
        started = time.monotonic()
        status = post(attacked.port, photo, PLACE)
        return f"{time.monotonic() - started:.2f} s, {status}"


def large_png(cut: int) -> bytes:
    """Return a white PNG of 64 MP without its last `cut` bytes."""
    data = encoded(Image.new("RGB", (8000, 8000), "white"), "PNG")
    return data[: len(data) - cut]


def tiny_webp() -> bytes:
    """Return a lossless WebP of 38 bytes that decodes to 8000 × 8000 pixels."""
    bits = (8000 - 1) | (8000 - 1) << 14
    chunk = b"\x2f" + bits.to_bytes(4, "little") + bytes(9)
    return b"RIFF" + (12 + len(chunk)).to_bytes(4, "little") + b"WEBPVP8L" + len(chunk).to_bytes(4, "little") + chunk


def filled_jpeg() -> bytes:
    """Return a JPEG with 19 MB of fill bytes."""
    data = jpeg()
    return data[:2] + b"\xff" * 19_000_000 + data[2:]


def chunked_png() -> bytes:
    """Return a PNG with 1.6 million empty chunks."""
    data = encoded(scene(), "PNG")
    end = data.rindex(b"IEND") - 4
    return data[:end] + b"\x00\x00\x00\x00IDAT\x35\xaf\x06\x1e" * 1_600_000 + data[end:]


def scanned_jpeg() -> bytes:
    """Return a JPEG of 64 MP with 64 scans."""
    data = bytearray(encoded(scene(8000, 8000), "JPEG", progressive=True, quality=1))
    last = data[data.rindex(b"\xff\xda") : -2]
    return bytes(data[:-2] + last * (64 - data.count(b"\xff\xda")) + data[-2:])


ATTACKS: dict[str, Callable[[], str]] = {
    "40 cut-off PNGs of 64 MP": lambda: at_once([large_png(100)], PLACE, 1, each=40),
    "40 PNGs of 12 MP without a place": lambda: at_once([encoded(scene(4000, 3000), "PNG")], "/identify", 1, each=40),
    "8 WebPs of 38 bytes, 64 MP": lambda: at_once([tiny_webp()], PLACE, 8),
    "16 PNGs of 64 MP at once": lambda: at_once([large_png(0)], PLACE, 16),
    "64 clients with all formats": partial(mixed, 64),
    "200 clients with all formats": partial(mixed, 200),
    "20 bodies of 20 MB lacking a byte": slow_bodies,
    "300 slow heads": slow_heads,
    "JPEG with 19 MB of fill bytes": partial(costly, filled_jpeg),
    "PNG with 1.6 million chunks": partial(costly, chunked_png),
    "JPEG of 64 MP with 64 scans": partial(costly, scanned_jpeg),
}


def main() -> None:
    """Run the attacks and print a table of their cost."""
    only = (str, "run only attacks whose name contains this text")
    chosen, rows = options(__doc__, rounds=(1, "number of runs of each attack"), only=only), []
    for name in (name for name in ATTACKS if (chosen.only or "") in name):
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += [[name, ATTACKS[name]()] for _ in range(chosen.rounds)]
    print(table(rows, ["attack", "cost"]))


if __name__ == "__main__":
    main()

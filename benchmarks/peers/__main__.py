"""Our HTTP server compared with FastAPI and mosec: `python -m benchmarks.peers`.

All servers use the same model, photo decoding, photos and processors. Only our server also narrows by place: each photo
has an EXIF position, and PostgreSQL and Valkey run on the same machine. In each round, each server is started, gets
each load in turn, and is stopped. The tables show medians of the rounds: of ours with everything on, and without the
second look at a doubtful photo, as the peers. The last table is the ideal: the same decoding and model without a
server, on each core.

Processor time and memory are those of all processes of a server, without PostgreSQL and Valkey. Needs Linux.
"""

import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Self

import numpy as np
from PIL import Image

from benchmarks.backends import Load, backends, post, send_all, served_app
from benchmarks.measure import cpu_seconds, in_new_process, interleaved, options, peak_memory, table
from benchmarks.peers.alone import CORES, measure_alone
from chalicelib.config.settings import ROOT
from local import STATE_DIR, LocalError, package_folder
from local.stack.child_process import alive, descendants
from tests.support.pictures import SYDNEY, encoded, exif, noise
from tests.support.pinned_environment import EnvironmentFailed, python_of

REQUIREMENTS = ROOT / "requirements.txt", Path(__file__).with_name("requirements.txt")
SMALL = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "retina.jpg", "rocket.jpg")
"""Photos in the wheel of scikit-image. Five show no animal, so a second look at them finds nothing."""
MOST = 60
"""Photos of a folder that are sent."""
ALONE = "decoding and model alone"
WARM_UP_PHOTOS = 20


class Server(NamedTuple):
    """A module to run and its environment variables. Only peers have arguments; they use another Python environment."""

    module: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()


SERVERS = {
    # No server turns photos away in this comparison.
    "ours": Server("faunalens.web", {"HTTP_QUEUE_SECONDS": "30", "SECOND_LOOK": "true"}),
    "ours, first look only": Server("faunalens.web", {"HTTP_QUEUE_SECONDS": "30", "SECOND_LOOK": "false"}),
    "FastAPI": Server("benchmarks.peers.peer", {"PEER_WORKERS": str(CORES)}, ("fastapi",)),
    "mosec": Server("benchmarks.peers.peer", {"PEER_WORKERS": str(CORES)}, ("mosec",)),
}
"""In each of them, each core works on a photo of its own."""


class Figures(NamedTuple):
    """The figures of one server under one load. Times are in milliseconds, `cpu` is per request, `memory` is in MB."""

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float
    failed: float

    @classmethod
    def of(cls, load: Load, server_cpu: float, memory: float) -> Self:
        """Return a load's figures. `server_cpu`: the server's processor time, s. `memory`: its peak memory, MB."""
        p50, p99 = np.percentile(load.seconds, [50, 99]) * 1e3 if load.seconds else (np.nan, np.nan)
        cpu = server_cpu / load.answered * 1e3 if load.answered else np.nan
        return cls(load.rate, float(p50), float(p99), cpu, memory, load.failed)


UNITS = {
    "requests/s": "{:.0f}",
    "p50": "{:.0f} ms",
    "p99": "{:.0f} ms",
    "CPU per request": "{:.1f} ms",
    "peak memory": "{:.0f} MB",
    "failed": "{:.0f}",
}
type Runs = dict[int, dict[str, list[Figures]]]
"""Figures by number of clients and by server."""


def tables(runs: Runs) -> Iterator[str]:
    """Yield a table for each number of clients: the median of each figure of a server over its rounds."""
    for connections, by_server in runs.items():
        rows = []
        for name, found in by_server.items():
            middle = [median(column) for column in zip(*found, strict=True)]
            rows.append([name, *(unit.format(each) for unit, each in zip(UNITS.values(), middle, strict=True))])
        yield table(rows, ["1 client" if connections == 1 else f"{connections or 'no'} clients", *UNITS])


@contextmanager
def served(
    server: Server, python: Path, environment: Mapping[str, str], log: Path, photo: bytes
) -> Iterator[tuple[int, int]]:
    """Run a server until the end of the block; yield its process id and its port.

    Before, `photo` is sent until the server answers it, and then a few more times as a warm-up. Raises `NotReady`.
    """
    variables = {"OPENBLAS_NUM_THREADS": "1", **environment, **server.environment}
    module, program = (server.module, *server.arguments), python if server.arguments else sys.executable

    def answers(port: int) -> bool:
        return post(port, photo) == 200

    with served_app(variables, log, *module, python=program, is_ready=answers) as (child, port):
        for _ in range(WARM_UP_PHOTOS):
            answers(port)
        family = descendants(child.pid)
        try:
            yield child.pid, port
        finally:
            child.stop()
            for pid in filter(alive, family):  # some servers leave processes behind
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def write_photos(folder: Path, of_people: Path | None = None) -> None:
    """Write photos into a folder: some from the folder `of_people`, or else small ones and one of a phone's size.

    Each keeps its format and gets an EXIF position.
    """
    position = exif(SYDNEY)
    data = package_folder("skimage") / "data"
    sources = [data / name for name in SMALL]
    if of_people:
        every = sorted(path for path in of_people.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
        sources = every[:: -(-len(every) // MOST)]
    for source in sources:
        image = Image.open(source)
        options: dict[str, Any] = {"quality": 92} if image.format == "JPEG" else {}
        (folder / source.name).write_bytes(encoded(image, image.format or "", exif=position, **options))
    if not of_people:
        (folder / "phone.jpg").write_bytes(encoded(noise(4000, 3000), "JPEG", quality=85, exif=position))


def compare(concurrency: Sequence[int], rounds: int, seconds: float, python: Path, of_people: Path | None) -> Runs:
    """Measure all servers in each round; return their figures by number of clients."""
    runs: Runs = {connections: {name: [] for name in SERVERS} for connections in concurrency}
    runs[0] = {ALONE: []}
    with tempfile.TemporaryDirectory() as folder, backends() as stores:
        photos = Path(folder)
        write_photos(photos, of_people)
        first = min(photos.iterdir()).read_bytes()

        def measure(name: str) -> None:
            server = SERVERS[name]
            environment = {} if server.arguments else stores
            with served(server, python, environment, STATE_DIR / "peers-server.log", first) as (pid, port):
                for connections in concurrency:
                    before = cpu_seconds(pid)
                    with peak_memory(pid) as peak:
                        load = in_new_process(send_all, port, photos, connections, seconds)
                    runs[connections][name].append(Figures.of(load, cpu_seconds(pid) - before, peak()))
                    print(f"{name}, {connections} clients: {load.rate:.0f} requests/s", file=sys.stderr, flush=True)

        def alone() -> None:
            runs[0][ALONE].append(Figures.of(*in_new_process(measure_alone, photos, seconds)))

        interleaved({name: partial(measure, name) for name in SERVERS} | {ALONE: alone}, rounds)
    return runs


def main() -> int:
    """Print a table for each number of clients. Return the exit code."""
    chosen = options(
        __doc__,
        rounds=(5, "number of rounds; each server gets each load once a round"),
        seconds=(8.0, "duration of each load test, in seconds"),
        concurrency=([1, 8, 64], "numbers of clients"),
        photos=(Path, f"folder of which to send {MOST} photos instead"),
    )
    try:
        python = python_of("peers", *REQUIREMENTS)
        runs = compare(chosen.concurrency, chosen.rounds, chosen.seconds, python, chosen.photos)
    except (EnvironmentFailed, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    print(*tables(runs), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

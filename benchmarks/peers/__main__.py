"""Our HTTP server compared with FastAPI and mosec: `python -m benchmarks.peers`.

All servers use the same model, photo decoding, photos and processors. Only our server also narrows by place: each photo
has an EXIF position, and PostgreSQL and Valkey run on the same machine. In each round, each server is started, gets
each load in turn, and is stopped. The tables show medians of the rounds, and our figures divided by those of the best
peer: with everything on, and without the second look at a doubtful photo, as the peers. The last table is the ideal:
the same decoding and model without a server, on each core.

Processor time and memory are those of all processes of a server, without PostgreSQL and Valkey. Needs Linux.
"""

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.backends import backends
from benchmarks.measure import in_new_process, options, table
from benchmarks.peers.client import send_all
from benchmarks.peers.figures import HEADERS, Figures, cpu_seconds, medians, peak_memory, rows_of
from benchmarks.peers.servers import ALONE, PEERS, SERVERS, measure_alone, served
from chalicelib.config.settings import ROOT
from local import STATE_DIR, LocalError, package_folder
from tests.support.pictures import SYDNEY, encoded, exif, noise
from tests.support.pinned_environment import EnvironmentFailed, python_of

REQUIREMENTS = ROOT / "requirements.txt", Path(__file__).with_name("requirements.txt")
SMALL = ("astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "retina.jpg", "rocket.jpg")
"""Photos in the wheel of scikit-image. Five show no animal, so a second look at them finds nothing."""
MOST = 60
"""Photos of a folder that are sent."""

type Runs = dict[int, dict[str, list[Figures]]]
"""Figures by number of clients and by server."""


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


def measure(pid: int, url: str, photos: Path, connections: int, seconds: float) -> Figures:
    """Send photos to a running server for `seconds`; return the server's figures."""
    before = cpu_seconds(pid)
    with peak_memory(pid) as peak:
        load = in_new_process(send_all, url, photos, connections, seconds)
    return Figures.of(load, cpu_seconds(pid) - before, peak())


def compare(
    names: Sequence[str], concurrency: Sequence[int], rounds: int, seconds: float, python: Path, of_people: Path | None
) -> Runs:
    """Measure all servers in each round; return their figures by number of clients."""
    runs: Runs = {connections: {name: [] for name in names} for connections in concurrency}
    with tempfile.TemporaryDirectory() as folder, backends() as stores:
        photos, log = Path(folder), STATE_DIR / "peers-server.log"
        write_photos(photos, of_people)
        first = min(photos.iterdir()).read_bytes()
        for number in range(rounds):
            shift = number % len(names)  # a server can be slower after a certain other one
            for name in (*names[shift:], *names[:shift]):
                server = SERVERS[name]
                environment: Mapping[str, str] = {} if server.arguments else stores
                with served(server, python, environment, log, first) as (pid, url):
                    for connections in concurrency:
                        figures = measure(pid, url, photos, connections, seconds)
                        runs[connections][name].append(figures)
                        progress = f"round {number + 1} of {rounds}: {name}, {connections} clients"
                        print(f"{progress}: {figures.rate:.0f} requests/s", file=sys.stderr, flush=True)
            runs.setdefault(0, {ALONE: []})[ALONE].append(in_new_process(measure_alone, photos, seconds))
    return runs


def main() -> int:
    """Print a table for each number of clients. Return the exit code."""
    chosen = options(
        __doc__,
        rounds=(5, "number of rounds; each server gets each load once a round"),
        seconds=(8.0, "duration of each load test, in seconds"),
        concurrency=([1, 8, 64], "numbers of clients"),
        servers=([*SERVERS], "servers to compare"),
        photos=(Path, f"folder of which to send {MOST} photos instead"),
    )
    try:
        python = python_of("peers", *REQUIREMENTS)
        runs = compare(chosen.servers, chosen.concurrency, chosen.rounds, chosen.seconds, python, chosen.photos)
    except (EnvironmentFailed, LocalError) as error:
        print(error, file=sys.stderr)
        return 1
    for connections, by_server in runs.items():
        clients = "1 client" if connections == 1 else f"{connections or 'no'} clients"
        figures = {name: medians(each) for name, each in by_server.items()}
        print(table(rows_of(figures, PEERS), [clients, *HEADERS]), end="\n\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

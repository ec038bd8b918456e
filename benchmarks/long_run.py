"""Memory and lookups of `faunalens identify` over 100,000 photos.

The command runs as a user starts it: a process of its own, with the real models, a folder and a table of deployments.
The photos are small, because decoding keeps no memory and would only take longer. Of every 50 photos 49 show a cat,
of which the models are sure at their first look; the last is noise, which gets the detector and a second look. Paths
differ, but only a thousand photos do: the others are hard links to them. It takes 20 to 30 minutes of one processor,
nearly all of it in the models.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from benchmarks.measure import megabytes, options, targets
from local import sample_photo
from tests.support.pictures import encoded, noise

STATIONS = 20
OF_A_STATION = 50
"""Photos of a station that differ; the last of them is noise."""
WARM = 1000
"""Photos after which memory is compared: all models that these photos need are loaded."""
GROWTH_LIMIT_MB = 100
SHOWN = 10
"""Rows of the table of memory."""


class Run(NamedTuple):
    """What a run needed. `memory`: MB by photos done. `lookups`: cells looked up. `seconds`: of the processors."""

    memory: dict[int, float]
    lookups: int
    seconds: float


def distinct_photos(number: int) -> Iterator[bytes]:
    """Yield small photos, all different."""
    with Image.open(sample_photo()) as found:
        cat = found.convert("RGB").resize((225, 150), Image.Resampling.BICUBIC)
    for each in range(number):
        if each % OF_A_STATION == OF_A_STATION - 1:
            yield encoded(noise(200, 144, seed=each), "JPEG")
            continue
        left, top = 9 + each % 4, each // 4 % 9  # of these crops the models are sure
        crop = cat.crop((left, top, left + 205, top + 142))
        yield encoded(crop, "JPEG", quality=94 - each // 36 % 28)


def make_card(folder: Path, number: int) -> None:
    """Write a card with photos of all stations, and the table of its deployments, to a folder."""
    distinct = folder / "distinct"
    distinct.mkdir()
    for each, data in enumerate(distinct_photos(STATIONS * OF_A_STATION)):
        (distinct / f"{each}.jpg").write_bytes(data)
    for station in range(STATIONS):
        (folder / "card" / f"S{station:02}").mkdir(parents=True)
    for each in range(number):
        path = folder / "card" / f"S{each % STATIONS:02}" / f"IMG_{each // STATIONS:05}.JPG"
        path.hardlink_to(distinct / f"{each % STATIONS * OF_A_STATION + each // STATIONS % OF_A_STATION}.jpg")
    with (folder / "deployments.csv").open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file).writerow
        write(("deploymentID", "latitude", "longitude", "timezone"))
        for station in range(STATIONS):
            write((f"S{station:02}", -36.0 + 1.3 * (station % 5), 145.0 + 1.3 * (station // 5), "+10:00"))


def run(folder: Path, number: int, workers: int) -> Run:
    """Identify the card in a process of its own, and watch its memory."""
    command = [sys.executable, "-m", "cli", "identify", "card", "--deployments", "deployments.csv", "--json"]
    command += ["--results", "study.db", "--workers", str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    memory, lookups = {}, 0
    steps = {min(WARM, number), *range(number, 0, -max(1, number // SHOWN))}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for count, line in enumerate(process.stdout or (), 1):
            lookups += '"cache":"memory"' not in line
            if count in steps:
                memory[count] = megabytes("VmRSS", process.pid)
                print(f"{count:,} photos: {memory[count]:.0f} MB", file=sys.stderr, flush=True)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert (process.returncode, count) == (0, number)
    return Run(memory, lookups, usage.ru_utime + usage.ru_stime)


def table_of(found: Run, number: int) -> str:
    """Return the table of the run."""
    warm = min(WARM, number)
    grown = max(each for count, each in found.memory.items() if count >= warm) - found.memory[warm]
    memory = [(f"after {count:,} photos", f"{each:.0f} MB", "", None) for count, each in sorted(found.memory.items())]
    lookups, most = f"lookups for {STATIONS} stations", f"at most {STATIONS}"
    rows = [
        *memory,
        ("growth", f"{grown:.0f} MB", f"at most {GROWTH_LIMIT_MB} MB", grown <= GROWTH_LIMIT_MB),
        (lookups, f"{found.lookups}", most, found.lookups <= STATIONS),
        ("processor time a photo", f"{found.seconds / number * 1e3:.1f} ms", "", None),
    ]
    return targets(f"`identify`, {number:,} photos", rows)


def main() -> None:
    """Print the table."""
    chosen = options(__doc__, photos=(100_000, "number of photos"), workers=(2, "photos at once"))
    with tempfile.TemporaryDirectory() as folder:
        make_card(Path(folder), chosen.photos)
        print(table_of(run(Path(folder), chosen.photos, chosen.workers), chosen.photos))


if __name__ == "__main__":
    main()

"""Memory and lookups of `faunalens identify` over 100,000 photos.

The command runs as a user starts it, with the real models and a table of deployments. The photos are small, because
decoding keeps no memory. Of every 50 photos 49 show a cat, of which the models are sure at their first look; the last
is noise, which gets the detector and a second look. Only a thousand photos differ: the others are hard links to them.
A run takes 20 to 30 minutes of one processor, nearly all of it in the models.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

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
    distinct = [folder / f"{each}.jpg" for each in range(STATIONS * OF_A_STATION)]
    for path, data in zip(distinct, distinct_photos(len(distinct)), strict=True):
        path.write_bytes(data)
    for each in range(number):
        frame, station = divmod(each, STATIONS)
        path = folder / "card" / f"S{station:02}" / f"IMG_{frame:05}.JPG"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.hardlink_to(distinct[station * OF_A_STATION + frame % OF_A_STATION])
    rows = (f"S{each:02},{-36 + 1.3 * (each % 5)},{145 + 1.3 * (each // 5)},+10:00\n" for each in range(STATIONS))
    (folder / "deployments.csv").write_text("".join(["deploymentID,latitude,longitude,timezone\n", *rows]), "utf-8")


def run(folder: Path, number: int, workers: int) -> str:
    """Identify the card in a process of its own, and watch its memory. Return the table of the run."""
    command = [sys.executable, "-m", "faunalens.cli", "identify", "card", "--deployments", "deployments.csv", "--json"]
    command += ["--results", "study.db", "--workers", str(workers)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    memory, lookups, warm = dict[int, float](), 0, min(WARM, number)
    steps = {warm, *range(number, 0, -max(1, number // SHOWN))}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for count, line in enumerate(process.stdout or (), 1):
            lookups += '"cache":"memory"' not in line
            if count in steps:
                memory[count] = megabytes("VmRSS", process.pid)
                print(f"{count:,} photos: {memory[count]:.0f} MB", file=sys.stderr, flush=True)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert (process.returncode, count) == (0, number)
    grown = max(each for count, each in memory.items() if count >= warm) - memory[warm]
    seconds = usage.ru_utime + usage.ru_stime
    rows = [
        *((f"after {count:,} photos", f"{each:.0f} MB", "", None) for count, each in sorted(memory.items())),
        ("growth", f"{grown:.0f} MB", f"at most {GROWTH_LIMIT_MB} MB", grown <= GROWTH_LIMIT_MB),
        (f"lookups for {STATIONS} stations", f"{lookups}", f"at most {STATIONS}", lookups <= STATIONS),
        ("processor time a photo", f"{seconds / number * 1e3:.1f} ms", "", None),
    ]
    return targets(f"`identify`, {number:,} photos", rows)


def main() -> None:
    """Make a card, identify it, and print a table of the run's memory."""
    chosen = options(__doc__, photos=(100_000, "number of photos"), workers=(2, "photos at once"))
    with tempfile.TemporaryDirectory() as folder:
        make_card(Path(folder), chosen.photos)
        print(run(Path(folder), chosen.photos, chosen.workers))


if __name__ == "__main__":
    main()

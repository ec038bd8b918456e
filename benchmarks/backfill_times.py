"""How long photos take: measured once, on field photos, and kept as a distribution for the simulation of a backfill.

    python -m benchmarks.backfill_times FOLDER     FOLDER: photos and their truth.csv (benchmarks/field_truth.py)

Each photo is enlarged to the size of a camera trap's, and identified by the whole path with one thread. Its time is
that of the processor, so that other programs on the machine count little.
"""

import argparse
import csv
import io
import os
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.batch import SIZES
from benchmarks.field_truth import read_truth
from chalicelib.telemetry.record import Record
from cli.engines.local import LocalEngine
from cli.results.row import NONE, Place
from testing.pictures import encoded

FILE = Path(__file__).with_name("backfill_times.csv")
EVERY = 3
"""Every third photo is measured, so that all studies are in it."""


def measured(folder: Path, size: tuple[int, int]) -> list[float]:
    """Return the processor time of each photo in seconds."""
    from chalicelib.config.settings import Settings

    engine = LocalEngine.build(Settings.from_environment(os.environ), os.environ, 5, lambda _: None)
    seconds = []
    for number, photo in enumerate(read_truth(folder)[::EVERY]):
        with Image.open(folder / photo.file) as image:
            data = encoded(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), "JPEG", quality=90)
        place = Place("given", *photo.place) if photo.place else NONE
        for _ in range(2 if number == 0 else 1):  # the first loads what all others use
            started = process_time()
            engine.identify(data, place, Record("-", "/identify"))
        seconds.append(process_time() - started)
    return seconds


def read_times() -> dict[str, NDArray[np.float64]]:
    """Return the percentiles 0 to 100 of the seconds of a photo, by its size."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {size: np.array([float(row[size]) for row in rows]) / 1e3 for size in SIZES}


def main() -> None:
    """Measure and write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.backfill_times", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    percents = range(101)
    found = {name: np.percentile(measured(folder, size), percents) * 1e3 for name, size in SIZES.items()}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["percent", *found])
    writer.writerows([percent, *(f"{values[percent]:.1f}" for values in found.values())] for percent in percents)
    FILE.write_text(text.getvalue(), encoding="utf-8")
    print(f"wrote {FILE.name}: medians {[f'{name} {values[50]:.0f} ms' for name, values in found.items()]}")


if __name__ == "__main__":
    main()

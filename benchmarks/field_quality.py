"""Limits of a photo's quality: how dark, soft and grey photos differ from good ones.

    python -m benchmarks.field_quality FOLDER      FOLDER: good photos in colour, such as the model's validation photos

Each photo is made dark, soft and grey. A limit is in the middle between the 98th percentile of these, and the 2nd of
the photos as they are. chalicelib/photo/quality.py has the limits.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.measure import table
from chalicelib.photo.decode import Limits, open_photo
from chalicelib.photo.quality import DARKEST, GREYEST, SOFTEST, measures_of
from model.network import INPUT_SIZE

type Square = NDArray[np.uint8]

DARK = 0.18
"""Brightness that is left in a dark photo: two and a half stops less light."""
BLUR = 1 / 80
"""Radius of the blur of a soft photo, as a share of its side."""


def dark(square: Square) -> Square:
    """Return the photo with less light."""
    return (square * DARK).astype(np.uint8)


def soft(square: Square) -> Square:
    """Return the photo out of focus."""
    return np.asarray(Image.fromarray(square).filter(ImageFilter.GaussianBlur(len(square) * BLUR)))


def grey(square: Square) -> Square:
    """Return the photo without colour, as by infrared light."""
    return np.asarray(Image.fromarray(square).convert("L").convert("RGB"))


FAULTS: Mapping[str, tuple[Callable[[Square], Square], float]] = {
    "brightness": (dark, DARKEST),
    "detail": (soft, SOFTEST),
    "colour": (grey, GREYEST),
}
"""For each of `measures_of`, what makes a photo worse, and the limit in use."""


def limits(squares: Sequence[Square]) -> str:
    """Return a table of the limits."""
    good = np.array([measures_of(square) for square in squares])
    rows = []
    for column, (name, (worsen, limit)) in enumerate(FAULTS.items()):
        bad = np.array([measures_of(worsen(square))[column] for square in squares])
        high, low = np.percentile(bad, 98), np.percentile(good[:, column], 2)
        rows.append([name, f"{high:.3g}", f"{low:.3g}", f"{(high + low) / 2:.3g}", f"{limit:g}"])
    return table(rows, ["measure", "98% of bad photos below", "98% of good photos above", "middle", "in use"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.field_quality", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="good photos in colour")
    folder: Path = parser.parse_args().folder
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    print(limits([open_photo(path.read_bytes(), Limits()).pixels(INPUT_SIZE) for path in paths]))


if __name__ == "__main__":
    main()

"""Folders of photos to measure with, named `<output index>_….jpg`; read as the app reads them."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.photo.decode import Limits, open_photo
from model.network import INPUT_SIZE

_LIMITS = Limits()
_SHOWN_EVERY = 50


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One photo. `label`: the output index of what it shows; 398 and more is no animal. `pixels`: (S, S, 3) uint8."""

    label: int
    pixels: NDArray[np.uint8]


def read_photos(folder: Path, size: int = INPUT_SIZE) -> Iterator[Labelled]:
    """The photos of a folder by name, one in memory at a time; progress goes to standard error.

    Raises `ModelError` if there are none, or if one is not named after its label.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    if not paths:
        raise ModelError(f"no photos in {folder}; expected files named <output index>_….jpg")
    for number, path in enumerate(paths):
        label, separator, _ = path.name.partition("_")
        if not (separator and label.isascii() and label.isdigit()):
            raise ModelError(f"{path.name} is not named after its label; expected <output index>_….jpg")
        if number % _SHOWN_EVERY == 0:
            print(f"photo {number} of {len(paths)}", file=sys.stderr, flush=True)
        yield Labelled(int(label), open_photo(path.read_bytes(), _LIMITS).pixels(size))

"""Read folders of labelled photos, named `<output index>_….jpg`."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ModelError
from chalicelib.model.session import Model
from chalicelib.photo.decode import open_photo
from model.network import INPUT_SIZE

PHOTOS_HELP = "folder of photos named <output index>_….jpg; an index of 398 or more means no animal"

_LIMITS = PhotoLimits()
_PROGRESS_EVERY = 50


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPhoto:
    """A photo. `label`: output index of the animal; 398 or more if there is none. `pixels`: (S, S, 3) uint8."""

    label: int
    pixels: NDArray[np.uint8]


def read_photos(folder: Path, size: int = INPUT_SIZE) -> Iterator[LabelledPhoto]:
    """Yield the photos of a folder, sorted by name and decoded as in the app.

    Raise `ModelError` if there are no photos, or if a name does not start with a label.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    if not paths:
        raise ModelError(f"{folder} contains no photos; expected files named <output index>_….jpg")
    for number, path in enumerate(paths):
        label, separator, _ = path.name.partition("_")
        if not (separator and label.isascii() and label.isdigit()):
            raise ModelError(f"{path.name} does not start with a label; rename it to <output index>_….jpg")
        if number % _PROGRESS_EVERY == 0:
            print(f"photo {number} of {len(paths)}", file=sys.stderr, flush=True)
        yield LabelledPhoto(int(label), open_photo(path.read_bytes(), _LIMITS).pixels(size))


def score_animals(folder: Path, model: Model) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Score a folder's photos of animals, without locations. Return the probabilities (photos, animals) and labels."""
    prior = np.ones(model.animals, np.float32)
    photos = (photo for photo in read_photos(folder, model.input_size) if photo.label < model.animals)
    rows = [(model.score(photo.pixels, prior).vision, photo.label) for photo in photos]
    return np.stack([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=np.intp)

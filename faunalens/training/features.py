"""Compute the general model's features of the boxes in labelled photos, once: they are kept for later runs."""

import json
import sqlite3
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ClientError, ModelError
from chalicelib.model.detector import Box, Detectors
from chalicelib.model.models import NO_DETECTOR, head_crops
from chalicelib.model.session import Model
from chalicelib.photo.photos import Photos
from chalicelib.photo.pixels import Picture
from faunalens.errors import CommandError
from faunalens.study.identify import in_parallel
from faunalens.terminal import photo_progress
from faunalens.training.labels import LabelledPhoto

FORMAT = 2
"""Version of the kept features. Increase it when `head_crops`, `Extractor` or the detectors' rules change."""
NOTHING = "no animal was found"
type Boxed = list[tuple[Box, NDArray[np.float32]]]
"""The boxes of a photo's animals, each with its features, shape (F,)."""
BY_PEOPLE = 1.0
"""Score of a box that people drew: no detector is that sure."""


class Crop(NamedTuple):
    """An animal in a photo. `checksum`: SHA-256 of the file. `features`: shape (F,), as `pooled` returns them."""

    photo: LabelledPhoto
    checksum: str
    box: Box
    features: NDArray[np.float32]


class Extractor:
    """Finds the animals in labelled photos, as `faunalens identify` does, and computes their features. Thread-safe.

    `general`: a model that returns features. `photos`: opens photos. Raises `ModelError` if `general` returns none, or
    without `detectors`, in whose boxes a head scores animals.
    """

    def __init__(self, general: Model, detectors: Detectors | None, photos: Photos) -> None:
        if detectors is None:
            raise ModelError(NO_DETECTOR)
        self._general, self._detectors, self._photos = general, detectors, photos
        self._prior = np.ones(general.animals, np.float32)
        detector = detectors.camera_traps or detectors.general
        self.version = f"{general.version}-{detector.version if detector else 'none'}-{FORMAT}"

    def boxed(self, labelled: LabelledPhoto, data: bytes) -> Boxed:
        """Return the boxes of a photo with their features; none if no animal is found. Raises `ClientError`."""
        picture, side = self._photos.open([data]).decode()[0].picture, self._general.input_size
        return [
            (box, pooled([self._general.score(crop, self._prior).features for crop in head_crops(picture, box, side)]))
            for box in self._boxes(labelled.boxes, picture)
        ]

    def _boxes(self, given: Sequence[Box], picture: Picture) -> list[Box]:
        """Return the boxes to learn from.

        People draw tighter boxes than the detectors, whose boxes a head gets in use: it learns from both. If no boxes
        are given, it learns from the detectors' surest box.
        """
        if given and all(box.score < BY_PEOPLE for box in given):
            return list(given)
        found = self._detectors.detect(picture, by_night=True).animals
        return [*given, *(box for box in found if any(map(box.overlaps, given)))] if given else list(found[:1])


def pooled(crops: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32]:
    """Return the mean over crops of the square roots of their features, shape (F,). Roots dampen a few large values.

    A head is linear in the roots, so its logit of their mean is the mean logit. Raises `ModelError` without features.
    """
    known = [each for each in crops if each is not None]
    if not known:
        raise ModelError(
            "the general model gives no features; `make setup` builds one that does, or set MODEL_PATH to it"
        )
    return np.asarray(np.sqrt(np.maximum(known, 0)).mean(axis=0), np.float32)


class Memory:
    """A file that keeps features, by the photo's checksum and boxes. Created if it does not exist. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, check_same_thread=False, autocommit=True)
            self._connection.execute("pragma journal_mode = wal")
            self._connection.execute("create table if not exists seen (key text primary key, boxes text, roots blob)")
        except (OSError, sqlite3.Error) as error:
            raise CommandError(f"features cannot be kept in {path} ({error}); set XDG_CACHE_HOME") from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def get(self, key: str, compute: Callable[[], Boxed]) -> Boxed:
        """Return the features that are kept under a key. If there are none, compute and keep them."""
        with self._lock:
            row = self._connection.execute("select boxes, roots from seen where key = ?", (key,)).fetchone()
        if row is None:
            boxed = compute()
            corners = [(box.x, box.y, box.width, box.height, box.score) for box, _ in boxed]
            roots = np.array([each for _, each in boxed], np.float32).tobytes()
            with self._lock:
                self._connection.execute(
                    "insert or ignore into seen values (?, ?, ?)", (key, json.dumps(corners, allow_nan=False), roots)
                )
            return boxed
        boxes = [Box(x, y, width, height, score, "animal") for x, y, width, height, score in json.loads(row[0])]
        return list(zip(boxes, np.frombuffer(row[1], np.float32).reshape(len(boxes), -1), strict=True)) if boxes else []


def crops_of(
    photos: Sequence[LabelledPhoto], extractor: Extractor, memory: Memory, at_once: int
) -> tuple[list[Crop], dict[Path, str]]:
    """Return the animals in labelled photos, and why other photos have none, by path.

    Compute only features that `memory` does not have, for `at_once` photos at a time. Show progress. The order of the
    animals does not depend on paths.
    """

    def crops(labelled: LabelledPhoto) -> tuple[list[Crop], dict[Path, str]]:
        try:
            data = labelled.photo.read_bytes()
            checksum = sha256(data).hexdigest()
            corners = [(box.x, box.y, box.width, box.height, box.score) for box in labelled.boxes]
            found = memory.get(f"{checksum} {corners}", lambda: extractor.boxed(labelled, data))
        except (OSError, ClientError) as error:
            return [], {labelled.photo: str(error)}
        return [Crop(labelled, checksum, *each) for each in found], {} if found else {labelled.photo: NOTHING}

    found, faults = list[Crop](), dict[Path, str]()
    with photo_progress(0, len(photos), "looking at photos") as reach:
        for number, (some, fault) in enumerate(in_parallel(crops, photos, at_once), 1):
            found += some
            faults |= fault
            reach(number)
    found.sort(key=lambda each: (each.checksum, each.photo.taxon, each.box.score, each.box.x, each.box.y))
    return found, faults

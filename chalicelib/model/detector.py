"""Detectors: where the animals, people and vehicles of a photo are. The other models name the animal.

The general detector knows all three by day. The one for camera traps finds three times as many animals by night, but
has only one kind: people and vehicles are animals to it. So both find the animals, and the general one says what is a
person or a vehicle.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import compress
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import When
from chalicelib.errors import ModelError
from chalicelib.model.certainty import LEAST_BOX
from chalicelib.model.manifest import DETECTOR, Manifest, read_manifests
from chalicelib.model.packs import INPUT, PackModel
from chalicelib.model.taxonomy import read_rows
from chalicelib.photo.pixels import Area, Picture

Kind = Literal["animal", "person", "vehicle"]
KINDS: tuple[Kind, ...] = ("animal", "person", "vehicle")

QUICK: Final = 320
"""Longer side, in pixels, of the photo in which a detector looks for an animal that is surely there. Compared with 416,
it takes half the time and finds as many people, but a third fewer vehicles."""
SHOWN: Final = 0.6
"""Probability, by the general model, from which a photo has an animal, so that people and vehicles matter less."""
CLEAR: Final = 0.9
"""The probability from which, by day, the general model locates the animal about as well as a detector: of the field
photos of animals, 0.3% fewer become usable and 0.3% fewer wrong."""
GLANCE: Final = 192
"""Longer side, in pixels, of the photo at which a detector first looks if no animal is surely shown. It takes a quarter
of the time, and two thirds of such photos need no more."""
HINT: Final = 0.03
"""Score below which a glance excludes a kind: it misses 2 of 40 people, and no vehicle of 20 that 416 pixels show."""
SURE_GLANCE: Final = 0.7
"""Score at a glance from which a person or a vehicle is there, if no animal is: 11 of 11 were; from 0.5, 11 of 13."""
EMPTY: Final = 0.08
"""Probability of an animal below which the detector for camera traps need not look by day; 0 to 0.09 do as well."""
STEP: Final = 32  # the sides of a detector's image are multiples of this number of pixels
GREY = 114  # value of the pixels beside the photo, as in YOLOX's training (Ge et al. 2021; `preproc` of its authors)
OUTPUTS = ("boxes", "scores")
COLUMNS = ("output_index", "label", "subject")
SCORE = 0.3
"""Lowest score of a box. With it and `OVERLAP`, 89 % of photos of mammals and birds had a box, and 3 % of photos of
other things (model/packs/README.md)."""
FAINT: Final = 0.05
"""Lowest score of a box around an animal that the general model is sure of. Of 149 field photos by day of such animals,
23 of them small to both detectors, that finds 21 small, and 2 others."""
OVERLAP = 0.5
"""Share of their union that two boxes of one kind have in common, from which they are around the same thing."""
MOST: Mapping[Kind, int] = {"animal": 10, "person": 100, "vehicle": 100}
"""Maximum number of boxes of each kind. The general model runs once for each animal."""
LARGE_BY_DAY = 0.15
"""Share of the photo's area from which an animal that only the detector for camera traps has found by day gets no
second look: it is an insect or a thing, or the first look has shown it. Field photos show the same with 0.1 to 0.25."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box around an animal, a person or a vehicle.

    `x`, `y`, `width`, `height`: left upper corner and size, as shares of the photo's width or height. `score`: how sure
    the detector is, 0 to 1.
    """

    x: float
    y: float
    width: float
    height: float
    score: float
    kind: Kind

    @property
    def area(self) -> float:
        """Return the share of the photo's area that the box covers."""
        return self.width * self.height

    def overlaps(self, other: "Box") -> bool:
        """Return whether the intersection with another box is at least `OVERLAP` of their union."""
        return bool(overlapping(self.corners, other.corners[np.newaxis], OVERLAP)[0])

    @property
    def corners(self) -> NDArray[np.float64]:
        """Return the left, top, right and bottom side, as shares of the photo's width or height."""
        return np.array([self.x, self.y, self.x + self.width, self.y + self.height])

    def grown(self, share: float) -> Area:
        """Return the box, enlarged on each side by `share` of its size, and cut off at the photo's borders."""
        right, bottom = self.x + self.width, self.y + self.height
        across, down = self.width * share, self.height * share
        return Area(max(self.x - across, 0), max(self.y - down, 0), min(right + across, 1), min(bottom + down, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What the detector found in a photo: boxes of each kind, the surest first.

    `focus`: the animal that is worth a second look, or None. `by_night`: whether the photo was taken by night, and the
    detector for camera traps has looked at it.
    """

    animals: tuple[Box, ...]
    people: tuple[Box, ...]
    vehicles: tuple[Box, ...]
    focus: Box | None = None
    by_night: bool = False


class Detector(PackModel):
    """A detector of animals, people and vehicles. The labels are read at the first photo."""

    def __init__(self, manifest: Manifest, threads: int = 0) -> None:
        super().__init__(manifest, threads)
        self.size = manifest.size

    @cached_property
    def classes(self) -> dict[Kind, list[int]]:
        """Return the output indices of each kind of box. Reads the labels at first use. Raises `ModelError`."""
        return read_classes(self.manifest.labels)

    def detect(
        self, whole: Callable[[int], NDArray[np.uint8]], size: int = 0, *, square: bool = False, least: float = SCORE
    ) -> tuple[Box, ...]:
        """Return the boxes in a photo.

        `whole`: returns the photo, its longer side resized to the given number of pixels. `size`: that number; 0, or a
        detector that takes one size only: the detector's own size. `square`: whether to pad the photo to a square.
        `least`: lowest score of a box.
        """
        side = min(self.size, size) if size and not self.has_one_size else self.size
        return self.find(whole(side), square=square, least=least)

    @cached_property
    def has_one_size(self) -> bool:
        """Return whether the detector accepts nothing but squares of `size` pixels a side. Raises `ModelError`."""
        return isinstance(self._session.get().get_inputs()[0].shape[1], int)

    def find(self, frame: NDArray[np.uint8], *, square: bool = False, least: float = SCORE) -> tuple[Box, ...]:
        """Return the boxes in a photo: animals, people, vehicles; of each kind the surest first.

        `frame`: the whole upright photo, shape (height, width, 3), uint8, RGB, no side longer than `size` pixels.
        Raises `ModelError` if the detector cannot be loaded, or if inference fails.
        """
        return self._boxes_in(frame, *self._raw(frame, square=square), least)

    def glance(self, whole: Callable[[int], NDArray[np.uint8]]) -> tuple[tuple[Box, ...] | None, int]:
        """Look at a small copy of the photo. If it surely shows no animal, return its boxes and 0.

        Otherwise return None and the longer side, in pixels, at which to look again; 0 stands for the detector's own
        size. `whole`: as for `detect`.
        """
        if self.has_one_size:  # a small copy would cost no less
            return None, 0
        frame = whole(min(self.size, GLANCE))
        boxes, scores = self._raw(frame, square=False)
        highest = {kind: scores[0][:, indices].max(initial=0.0) for kind, indices in self.classes.items()}
        hinted = [kind for kind, score in highest.items() if score >= HINT]
        if not hinted or ("animal" not in hinted and max(highest.values()) >= SURE_GLANCE):
            return self._boxes_in(frame, boxes, scores), 0
        return None, QUICK if hinted == ["person"] else 0

    def _raw(self, frame: NDArray[np.uint8], *, square: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the boxes and scores of all squares of an image, shapes (1, A, 4) and (1, A, classes)."""
        height, width, _ = frame.shape
        is_square = self.has_one_size or square
        sides = (self.size, self.size) if is_square else (-(-height // STEP) * STEP, -(-width // STEP) * STEP)
        boxes, scores = self.outputs(OUTPUTS, {INPUT: letter_box(frame, *sides)[np.newaxis]})
        highest = max((index for indices in self.classes.values() for index in indices), default=-1)
        if boxes.shape != (1, scores.shape[1], 4) or scores.shape[2] <= highest:
            raise ModelError(
                f"pack {self.name} gives outputs of shapes {boxes.shape} and {scores.shape}; expected (1, A, 4) and "
                f"(1, A, classes), with the classes of {self.manifest.labels.name}"
            )
        return boxes, scores

    def _boxes_in(
        self, frame: NDArray[np.uint8], boxes: NDArray[np.float32], scores: NDArray[np.float32], least: float = SCORE
    ) -> tuple[Box, ...]:
        height, width, _ = frame.shape
        corners = corners_of(boxes[0], width, height)
        kinds = self.classes.items()
        return tuple(box for kind, each in kinds for box in _boxes_of(kind, corners, scores[0][:, each], least))


def letter_box(frame: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    """Return the input of a detector, shape (rows, columns, 3): the photo, with grey at its right and below it.

    `frame`: the photo, shape (height, width, 3), at most `rows` high and `columns` wide.
    """
    height, width, _ = frame.shape
    boxed = np.full((rows, columns, 3), GREY, np.uint8)
    boxed[:height, :width] = frame
    return boxed


def corners_of(boxes: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Return left, top, right and bottom side of boxes, as shares of the photo, cut off at its borders.

    `boxes`: shape (n, 4), centre x, centre y, width and height in pixels of the letter-box. `width`, `height`: of the
    photo inside the letter-box, in pixels.
    """
    centre, half = boxes[:, :2], boxes[:, 2:] / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    shares = corners / np.array([width, height, width, height], np.float32)
    return np.asarray(shares.clip(0.0, 1.0), np.float32)


def overlapping(one: NDArray[np.floating], others: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    """Return which of `others` overlap with `one`: their intersection is at least `share` of their union.

    A box is its left, top, right and bottom side; `others` has shape (n, 4).
    """
    low, high = np.maximum(one[:2], others[:, :2]), np.minimum(one[2:], others[:, 2:])
    both = (high - low).clip(0.0).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1) + (one[2:] - one[:2]).prod()
    return np.asarray(both >= share * (areas - both), np.bool_)


def suppress(corners: NDArray[np.floating], scores: NDArray[np.float32], overlap: float, most: int) -> NDArray[np.intp]:
    """Return the indices of the boxes to keep, the surest first: non-maximum suppression.

    The surest box stays, and every box that overlaps with it is dropped; then the surest of the rest stays, and so on.
    `corners`: shape (n, 4), left, top, right and bottom side. `scores`: shape (n,). `overlap`: the share of two boxes'
    union that both cover, from which the less sure box is dropped. `most`: maximum number of boxes to keep. Takes one
    step for each box that stays.
    """
    corners = corners.astype(np.float64)  # in 32 bits, the area of a tiny box can be 0
    left = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while left.size and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[~overlapping(corners[best], corners[left], overlap)]
    return np.array(kept, np.intp)


def _boxes_of(kind: Kind, corners: NDArray[np.float32], scores: NDArray[np.float32], least: float) -> list[Box]:
    """Return the boxes of one kind. `scores`: shape (n, classes of this kind); which class it is does not matter."""
    surest = scores.max(axis=1, initial=0.0)
    shown = (surest >= least) & (corners[:, :2] < corners[:, 2:]).all(axis=1)  # false for NaN too
    corners, surest = corners[shown], surest[shown]
    kept = suppress(corners, surest, OVERLAP, MOST[kind])
    return [
        Box(left, top, right - left, bottom - top, min(score, 1.0), kind)
        for (left, top, right, bottom), score in zip(corners[kept].tolist(), surest[kept].tolist(), strict=True)
    ]


def read_classes(labels: Path) -> dict[Kind, list[int]]:
    """Return the output indices of each kind of box. `labels`: a CSV file. Raise `ModelError` if it is malformed."""
    classes: dict[Kind, list[int]] = {kind: [] for kind in KINDS}
    for row in read_rows(labels, COLUMNS):
        output, _, subject = row
        kind = next((kind for kind in KINDS if kind == subject), None)
        if kind is None or not output.isdecimal():
            raise ModelError(
                f"{labels.name} has the row {','.join(row)}; expected an index, a label and {' or '.join(KINDS)}"
            )
        classes[kind].append(int(output))
    return classes


@dataclass(frozen=True, slots=True)
class Detectors:
    """The general detector and the detector for camera traps; either may be missing. Thread-safe.

    `when`: which photos the detector for camera traps looks at.
    """

    general: Detector | None
    camera_traps: Detector | None
    when: When

    def may_rest(self, animal_probability: float, *, by_night: bool) -> bool:
        """Return whether a photo needs no detector: the general model is sure of an animal, and locates it as well."""
        return self.general is not None and animal_probability >= CLEAR and not by_night and self.when != "always"

    def size_up(self, picture: Picture) -> Detections:
        """Return the boxes in a photo for which `may_rest` is true; they only show how large the animal is.

        The photo was named without these boxes. Their scores are 0, so that none of them changes what the photo shows.
        """
        found = self.general.detect(picture.whole, QUICK, least=FAINT) if self.general else ()
        return Detections(tuple(replace(box, score=0.0) for box in found if box.kind == "animal"), (), ())

    def detect(
        self, picture: Picture, *, by_night: bool, doubted: float | None = None, boxes: bool = True
    ) -> Detections:
        """Return the boxes in a photo. Raises `ModelError`.

        `by_night`: whether the photo looks as if taken by night. `doubted`: the general model's probability of an
        animal, if the models are unsure which animal it is; otherwise None. `boxes`: True to find all boxes; False to
        find only the animal that is worth a second look and, if there may be no animal, people and vehicles.
        """
        whole = cache(picture.whole)  # both may see the photo in one size
        is_shown = doubted is not None and doubted >= SHOWN
        traps = self.camera_traps if self.when == "always" or (self.when == "doubt" and by_night) else None
        general = self.general if boxes or not (traps and by_night and is_shown) else None
        found, size = None, QUICK if is_shown else 0
        if general and not (boxes or is_shown or doubted is None):
            found, size = general.glance(whole)
        if found is None:
            found = general.detect(whole, size) if general else ()
        known = [box for box in found if box.kind == "animal"]
        is_found = any(box.score >= LEAST_BOX for box in known)
        if self.when == "doubt" and doubted is not None and not is_found and (boxes or doubted >= EMPTY):
            traps = self.camera_traps
        if traps:
            # With little grey, its scores by night are 0.03 lower, and 4 of 100 animals have no box.
            found = joined(found, traps.detect(whole, square=by_night))
        animals, people, vehicles = (tuple(box for box in found if box.kind == kind) for kind in KINDS)
        worth = (by_night or box.area < LARGE_BY_DAY or any(map(box.overlaps, known)) for box in animals)
        return Detections(
            animals, people, vehicles, next(compress(animals, worth), None), by_night and traps is not None
        )


def joined(boxes: Sequence[Box], animals: Sequence[Box]) -> tuple[Box, ...]:
    """Return the boxes of both detectors, of each kind the surest first.

    `boxes`: those of the general detector. They are tighter, so an animal that both detectors found keeps this box,
    with the higher of both scores. `animals`: those of the detector for camera traps. A box that overlaps with a surer
    person or vehicle is left out.
    """
    others = [box for box in boxes if box.kind != "animal"]
    animals = [each for each in animals if not any(each.overlaps(box) and box.score >= each.score for box in others)]
    found = [
        replace(box, score=max([box.score, *(each.score for each in animals if each.overlaps(box))]))
        for box in boxes
        if box.kind == "animal"
    ]
    found += [each for each in animals if not any(map(each.overlaps, found))]
    found.sort(key=lambda box: -box.score)
    return (*found[: MOST["animal"]], *others)


def read_detectors(folder: Path, when: When, threads: int = 0, outside: Path | None = None) -> Detectors | None:
    """Return the first general detector and the first one for camera traps in a folder of packs; None without any.

    `outside`: a folder whose detectors come first, as its heads do.
    Packs that are not enabled or not built do not count. Raise `ModelError` if a manifest is malformed.
    """
    found = [each for packs in (outside, folder) if packs for each in read_manifests(packs) if each.kind == DETECTOR]
    general, traps = (
        next((Detector(each, threads) for each in found if each.camera_traps == is_for_traps), None)
        for is_for_traps in (False, True)
    )
    return Detectors(general, traps, when) if found else None

"""Heads: small classifiers of what the general model sees in an animal's box, trained on one's own photos.

A head knows a few animals, and what is unlike all of them. It is for the places of its photos, and often for photos by
night alone, of which the general model can say little: there its word counts for its animals.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features import cells
from chalicelib.model.detector import GROWTH, Box
from chalicelib.model.packs import LabelledModel
from chalicelib.model.session import FEATURES
from chalicelib.photo.pixels import Picture

if TYPE_CHECKING:
    from chalicelib.features.features import Features

LEAST_OTHER: Final = 0.2
"""Probability of an animal unlike all that a head knows, above which the head says nothing. Of night photos of its
animals from other cameras, that loses one name in a thousand."""

LEAST_NAMED: Final = 0.5
"""Probability of a name, at least, whatever a head's thresholds are: it is likelier than all others together."""
CROPS: Final = ((GROWTH, False, False), (GROWTH, True, True), (0.0, True, False), (0.0, False, True))
"""What a head sees: the share of a box that is added on each side, whether it is mirrored, and has more contrast.

On night photos of 86 cameras these were as good as twelve, with more ground too, and 2 to 3 points better than one."""
DARK, BRIGHT = 2, 98
"""Percentiles of a square's brightness that become black and white: what infrared light shows is often faint."""
_STEP = 4
"""Pixels between those that are looked at for them."""


class Headed(NamedTuple):
    """What a head says of an animal. `thresholds`: least probability for a name, by taxon id.

    `positions`: of its animals in the taxonomy. `scores`: their probabilities, and that of any other. `is_sure`:
    whether one of them is certain enough for a name: a box of it is one of an animal, though a detector be unsure. Of
    weak boxes on 507 halves of night photos without their animal, that was so in 2%, and in 28% with one.
    """

    thresholds: Mapping[str, float]
    positions: NDArray[np.intp]
    scores: NDArray[np.float32]
    is_sure: bool


class Head(LabelledModel):
    """A classifier of the general model's features. Thread-safe."""

    @cached_property
    def thresholds(self) -> Mapping[str, float]:
        """Return the least probability of a taxon that is named, by its id."""
        leasts = {animal.taxon_id: LEAST_NAMED for animal in self.animals} | {**self.manifest.thresholds}
        return {taxon: max(least, LEAST_NAMED) for taxon, least in leasts.items()}

    def sees(self, *, by_night: bool) -> bool:
        """Return whether it is for photos by night, or by day."""
        return by_night or not self.manifest.night

    def is_for(self, features: "Features") -> bool:
        """Return whether it is for photos of a place: one of its areas, its cells, or a cell beside one."""
        areas, here = self.manifest.areas, features.found
        if not areas and not self._cells:
            return True
        return bool({*areas} & {*here.areas}) or (here.cell > 0 and not self._cells.isdisjoint(cells.around(here.cell)))

    @cached_property
    def _cells(self) -> frozenset[int]:
        return frozenset(int(each, 16) for each in self.manifest.cells)

    def said(self, scores: NDArray[np.float32], positions: NDArray[np.intp]) -> Headed:
        """Return what its scores say. `positions`: of its animals in a taxonomy."""
        best = int(scores[:-1].argmax())
        is_sure = bool(scores[best] >= self.thresholds[self.animals[best].taxon_id])
        return Headed(self.thresholds, positions, scores, is_sure)

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each of `animals`, and last that of any other. Takes less than 0.1 ms.

        `features`: of the crops of one animal, shape (crops, features). Raises `ModelError`.
        """
        probabilities = self.run(FEATURES, features, others=1)
        animals = np.bincount(self.labels.animal_of, probabilities[:-1], len(self.animals))
        return np.append(animals, probabilities[-1]).astype(np.float32)


def head_crops(picture: Picture, box: Box, size: int) -> tuple[NDArray[np.uint8], ...]:
    """Return what a head sees of an animal, in training and in use: squares of shape (size, size, 3), uint8, RGB.

    The first one is the square that the general model sees of a detector's box.
    """
    crops: list[NDArray[np.uint8]] = []
    for growth, is_mirrored, is_clear in CROPS:
        crop = picture.around(box.grown(growth), size)
        crop = stretched(crop) if is_clear else crop
        crops.append(np.ascontiguousarray(crop[:, ::-1] if is_mirrored else crop))
    return tuple(crops)


def stretched(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a square whose contrast fills the range from black to white; one without any as it is."""
    dark, bright = np.percentile(crop[::_STEP, ::_STEP], (DARK, BRIGHT))
    if dark == bright:
        return crop
    clear: NDArray[np.floating] = (crop - dark) * (255 / (bright - dark))
    return clear.clip(0, 255).astype(np.uint8)

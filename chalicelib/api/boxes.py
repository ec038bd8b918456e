"""What a photo shows, box by box: the detector says where, the models say which animal."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.api.responses import AnimalFound, BoxesFound, BoxFound, Candidate, PredictedTaxon

if TYPE_CHECKING:
    from chalicelib.model.detector import Box, Sightings

type Naming = Callable[[NDArray[np.uint8]], tuple[PredictedTaxon | None, tuple[Candidate, ...]]]
"""Names the animal in a square of the photo: returns the prediction and the candidates of an answer."""


class Found(NamedTuple):
    """The parts of an answer about boxes. All are None if nobody looked for them."""

    animals: tuple[AnimalFound, ...] | None = None
    people: BoxesFound | None = None
    vehicles: BoxesFound | None = None


def found_in(sightings: "Sightings | None", name: Naming) -> Found:
    """Return what the detector found, and name each animal."""
    if sightings is None:
        return Found()
    pairs = zip(sightings.animals, sightings.squares, strict=True)
    animals = tuple(AnimalFound(_shown(box), *name(square)) for box, square in pairs)
    return Found(animals, _counted(sightings.people), _counted(sightings.vehicles))


def _counted(boxes: "Sequence[Box]") -> BoxesFound:
    return BoxesFound(len(boxes), tuple(map(_shown, boxes)))


def _shown(box: "Box") -> BoxFound:
    return BoxFound(*(round(value, 4) for value in (box.x, box.y, box.width, box.height, box.score)))

"""How models look at one animal: once, and if that leaves a doubt, again at the part of the photo where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.looks import needs_second_look
from chalicelib.model.models import FusedScores, Models
from chalicelib.model.naming import Named, Naming

if TYPE_CHECKING:
    from chalicelib.model.detector import Detector, Sightings
    from chalicelib.model.lazy import Lazy
    from chalicelib.photo.pixels import Picture

MIDDLE: Final = 0.6
"""Share of the photo's short side that the second look sees if no detector has found an animal."""


class View(NamedTuple):
    """A decoded photo. `square`: the image of the general model. `picture`: the whole photo, for a second look."""

    square: NDArray[np.uint8]
    picture: "Picture"


class Seen(NamedTuple):
    """What models see in the photos of one animal.

    `of_each`: the scores of each photo alone. `sightings`: what the detector found, or None if it did not look.
    """

    scores: FusedScores
    named: Named
    of_each: Sequence[FusedScores]
    sightings: "Sightings | None" = None


@dataclass(frozen=True, slots=True)
class Eyes:
    """The models, and what is done with their scores. Thread-safe.

    `second_look`: whether to look again when in doubt.
    """

    models: Models
    naming: Naming
    second_look: bool

    def see(self, views: Sequence[View], features: Features, detector: "Lazy[Detector | None]") -> Seen:
        """Look at the photos of one animal. Only a single photo gets a second look. Raises `ModelError`."""
        sights = [self.models.look_at(view.square, features) for view in views]
        scores = self.models.fuse(sights, features)
        named = self.naming.name(scores, scores.taxonomy, features)
        if len(views) > 1:
            return Seen(scores, named, [self.models.fuse([sight], features) for sight in sights])
        if not (self.second_look and needs_second_look(named.prediction)):
            return Seen(scores, named, [scores])
        square, sightings = second_square(views[0].picture, detector.get(), self.models.general.input_size)
        scores = self.models.fuse([*sights, self.models.look_at(square, features)], features)
        return Seen(scores, self.naming.name(scores, scores.taxonomy, features), [scores], sightings)


def second_square(
    picture: "Picture", detector: "Detector | None", size: int
) -> "tuple[NDArray[np.uint8], Sightings | None]":
    """Return what the second look sees, shape (size, size, 3), and what the detector found, if there is one.

    It is the surest animal that the detector has found, or else the middle of the photo.
    """
    sightings = detector.look_at(picture, size) if detector else None
    if sightings and sightings.squares:
        return sightings.squares[0], sightings
    return picture.middle(MIDDLE, size), sightings

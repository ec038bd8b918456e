"""How models look at one animal: once, and if that leaves a doubt, again at the part of the photo where it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.models import FusedScores, Models, Sight
from chalicelib.model.naming import Named, Naming
from chalicelib.model.taxonomy import Prediction

if TYPE_CHECKING:
    from chalicelib.lazy import Lazy
    from chalicelib.model.detector import Sightings
    from chalicelib.photo.pixels import Picture

SURE: Final = 0.9
"""Score from which a family, or a taxon below it, needs no second look: such answers do not become better."""


def needs_second_look(prediction: Prediction | None) -> bool:
    """Return whether the first look leaves a doubt: nothing recognised, wider than a family, or not sure."""
    return prediction is None or prediction.score < SURE or prediction.is_wide


MIDDLE: Final = 0.6
"""Share of the photo's short side that the second look sees if no detector has found an animal."""


class View(NamedTuple):
    """A decoded photo. `square`: the image of the general model. `picture`: the whole photo, for a second look."""

    square: NDArray[np.uint8]
    picture: "Picture"


class Seen(NamedTuple):
    """What models see in the photos of one animal.

    `of_each`: the scores of each photo alone. `sightings`: what the detector found, or None if it did not look.
    `twice`: whether there was a second look.
    """

    scores: FusedScores
    named: Named
    of_each: Sequence[FusedScores]
    sightings: "Sightings | None" = None
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Eyes:
    """The models, and what is done with their scores. Thread-safe.

    `second_look`: whether to look again when in doubt.
    """

    models: Models
    naming: Naming
    second_look: bool

    def see(self, views: Sequence[View], features: Features, sightings: "Lazy[Sightings | None]") -> Seen:
        """Look at the photos of one animal. Only a single photo gets a second look.

        `sightings`: what the detector finds in the photo; it looks at most once. Raises `ModelError`.
        """
        sights = [self.models.look_at(view.square, features) for view in views]
        scores, named = self._name(sights, features)
        if len(views) > 1:
            return Seen(scores, named, [self.models.fuse([sight], features) for sight in sights])
        if not (self.second_look and needs_second_look(named.prediction)):
            return Seen(scores, named, [scores], sightings.get() if sightings.is_made else None)
        found = sightings.get()
        square = second_square(views[0].picture, found, self.models.general.input_size)
        scores, named = self._name([*sights, self.models.look_at(square, features)], features)
        return Seen(scores, named, [scores], found, twice=True)

    def name(self, square: NDArray[np.uint8], features: Features) -> tuple[FusedScores, Named]:
        """Return what one square of a photo shows, without a second look. Raises `ModelError`."""
        return self._name([self.models.look_at(square, features)], features)

    def name_with(self, scores: FusedScores, features: Features) -> Named:
        """Return what the same scores show with the features of another dataset."""
        return self.naming.name(self.models.weighed(scores, features), features)

    def _name(self, sights: list[Sight], features: Features) -> tuple[FusedScores, Named]:
        scores = self.models.fuse(sights, features)
        return scores, self.naming.name(scores, features)


def second_square(picture: "Picture", sightings: "Sightings | None", size: int) -> NDArray[np.uint8]:
    """Return what the second look sees, shape (size, size, 3).

    It is the surest animal that the detector has found, or else the middle of the photo.
    """
    return sightings.squares[0] if sightings and sightings.squares else picture.middle(MIDDLE, size)

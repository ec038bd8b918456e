"""What is certain: whether a photo shows an animal at all, and how certain its name is.

General model and detectors together tell animals from people, vehicles and nothing. The number that an answer shows is
calibrated from the model's probability, by level of name.
"""

import json
from collections.abc import Mapping
from math import exp, log
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from chalicelib.errors import ModelError

Level = Literal["animal", "family", "group", "list"]
"""What is named: an animal that a model knows; a genus or family; an order or class; a list of families."""

Basis = Literal["place", "alone", "pack"]
"""The photos that a curve is for: those with the features of a place, those without, or those that a pack scored, with
a place or without."""
LEAST: Final = 1e-9
"""Least probability of an answer, and of its contrary, so that its logit is finite."""


class Curve(NamedTuple):
    """The calibration of one level: the share of its answers with probability p that are right.

    This share is 1 / (1 + exp(-a - b · logit p)). `fits`: a and b for each basis. `least`: the share from which an
    answer of this level is given.
    """

    fits: Mapping[Basis, tuple[float, float]]
    least: float

    def number(self, probability: float, basis: Basis) -> float:
        """Return the share of answers with this probability that are right."""
        a, b = self.fits[basis]
        p = min(max(probability, LEAST), 1.0 - LEAST)
        return 1.0 / (1.0 + exp(-a - b * log(p / (1.0 - p))))


PLAIN: Final[Mapping[Level, Curve]] = {
    level: Curve(dict.fromkeys(get_args(Basis), (0.0, 1.0)), least)
    for level, least in zip(get_args(Level), (0.7, 0.7, 0.85, 0.4), strict=True)
}
"""Curves that leave probabilities as they are, for a model without certainty.json."""


def read_certainty(path: Path) -> Mapping[Level, Curve]:
    """Return the curves in certainty.json beside a model, or `PLAIN` without this file. Raises `ModelError`.

    `python -m benchmarks.field --fit` computes the file, and says from which photos.
    """
    try:
        rows = json.loads(path.read_text("utf-8"))
        return {
            level: Curve({basis: _pair(rows[level][basis]) for basis in curve.fits}, float(rows[level]["least"]))
            for level, curve in PLAIN.items()
        }
    except FileNotFoundError:
        return PLAIN
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path.name} cannot be read ({error}); expected keys place, alone, pack and least in {', '.join(PLAIN)}"
        ) from error


def _pair(values: list[float]) -> tuple[float, float]:
    a, b = values
    return float(a), float(b)


Subject = Literal["animal", "person", "vehicle", "none", "unclear"]

MOST_EMPTY: Final = 0.25
"""Probability of an animal below which a photo shows none. From here to the threshold of an animal, it is unclear."""
LEAST_BOX: Final = 0.5
"""Score of a box from which a detector is believed. Model and detector rarely err in the same photo.

docs/explanation/field.md has the measurements."""
UNSEEN: Final = 0.4
"""Score of a box by night below which the detector for camera traps has seen no animal (model/packs/README.md)."""
ALONE_BY_NIGHT: Final = 0.8
"""Least probability of an animal in a photo by night in which this detector has seen none."""


class SurestBoxes(NamedTuple):
    """What detectors see in a photo: the score of the surest box of each kind, 0 without one or without a detector.

    `by_night`: whether the photo was taken by night, and the detector for camera traps has looked at it.
    """

    animal: float = 0.0
    person: float = 0.0
    vehicle: float = 0.0
    by_night: bool = False

    def may_be_animal(self, animal_probability: float) -> bool:
        """Return whether the surest box of an animal may be right. By day, the general model can rule it out."""
        return self.by_night or animal_probability >= MOST_EMPTY

    def is_animal(self, animal_probability: float) -> bool:
        """Return whether the surest box of an animal is believed. `animal_probability`: by the general model."""
        return self.animal >= LEAST_BOX and self.may_be_animal(animal_probability)

    def subject(self, animal_probability: float, threshold: float) -> Subject:
        """Return what the photo shows. If it shows an animal and a person, the animal counts.

        `animal_probability`: by the general model. `threshold`: probability from which no box is needed.
        """
        if self.by_night and self.animal < UNSEEN:
            threshold = max(threshold, ALONE_BY_NIGHT)
        if animal_probability >= threshold or self.is_animal(animal_probability):
            return "animal"
        if self.person >= LEAST_BOX:
            return "person"
        if self.vehicle >= LEAST_BOX:
            return "vehicle"
        return "none" if animal_probability < MOST_EMPTY else "unclear"


NO_BOXES: Final = SurestBoxes()

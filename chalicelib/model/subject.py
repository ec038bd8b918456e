"""What a photo shows at all: an animal, a person, a vehicle or nothing; by the general model and detectors together."""

from typing import Final, Literal, NamedTuple

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

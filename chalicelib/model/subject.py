"""What a photo shows at all: an animal, a person, a vehicle, or nothing of these. No I/O."""

from typing import Final, Literal

Subject = Literal["animal", "person", "vehicle", "none", "unclear"]

MOST_EMPTY: Final = 0.25
"""Probability of an animal below which a photo is said to show none. Between the two, the photo is unclear."""
LEAST_BOX: Final = 0.5
"""Score of a box from which the detector is believed. Model and detector rarely err in the same photo.

docs/explanation/field.md has the measurements."""


def subject_of(
    animal_probability: float, threshold: float, animal: float = 0.0, person: float = 0.0, vehicle: float = 0.0
) -> Subject:
    """Return what a photo shows.

    `animal_probability`: of the general model. `threshold`: its least value for an animal. `animal`, `person`,
    `vehicle`: score of the detector's best box of each kind; 0 without a box, or without a detector. A photo with an
    animal and a person is one of an animal.
    """
    if animal_probability >= threshold or animal >= LEAST_BOX:
        return "animal"
    if person >= LEAST_BOX:
        return "person"
    if vehicle >= LEAST_BOX:
        return "vehicle"
    return "none" if animal_probability < MOST_EMPTY else "unclear"

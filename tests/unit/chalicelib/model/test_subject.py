"""The subject of a photo, from the general model and the detector's boxes."""

import pytest

from chalicelib.model.subject import LEAST_BOX, MOST_EMPTY, Subject, subject_of


@pytest.mark.parametrize(
    ("animal_probability", "boxes", "subject"),
    [
        (0.9, {}, "animal"),
        (0.5, {}, "animal"),
        (0.4, {}, "unclear"),
        (MOST_EMPTY, {}, "unclear"),
        (0.1, {}, "none"),
        (0.1, {"animal": LEAST_BOX}, "animal"),
        (0.1, {"animal": 0.4}, "none"),
        (0.1, {"person": 0.9}, "person"),
        (0.1, {"vehicle": 0.9}, "vehicle"),
        (0.4, {"person": 0.9, "vehicle": 0.9}, "person"),
        (0.9, {"person": 0.9}, "animal"),
        (0.1, {"animal": 0.6, "person": 0.9}, "animal"),
    ],
)
def test_the_subject_is_the_most_certain_of_animal_person_and_vehicle(
    animal_probability: float, boxes: dict[str, float], subject: Subject
) -> None:
    assert subject_of(animal_probability, 0.5, **boxes) == subject

"""What a photo shows at all, by the general model and detectors."""

import pytest

from chalicelib.model.certainty import SurestBoxes


@pytest.mark.parametrize(
    ("animal_probability", "boxes", "subject"),
    [
        (0.6, (0, 0.9, 0), "animal"),
        (0.25, (0.5, 0.9, 0), "animal"),
        (0.24, (0.9, 0, 0), "none"),
        (0.24, (0.9, 0.5, 0), "person"),
        (0.59, (0.49, 0.5, 0.9), "person"),
        (0.59, (0, 0.49, 0.5), "vehicle"),
        (0.59, (0, 0, 0), "unclear"),
        (0.25, (0, 0, 0), "unclear"),
        (0.24, (0.49, 0.49, 0.49), "none"),
    ],
)
def test_the_subject_is_an_animal_before_a_person_before_a_vehicle(
    animal_probability: float, boxes: tuple[float, float, float], subject: str
) -> None:
    assert SurestBoxes(*boxes).subject(animal_probability, 0.6) == subject


@pytest.mark.parametrize(
    ("animal_probability", "box", "subject"),
    [
        (0.1, 0.5, "animal"),
        (0.1, 0.49, "none"),
        (0.6, 0.4, "animal"),
        (0.79, 0.39, "unclear"),
        (0.8, 0.0, "animal"),
    ],
)
def test_by_night_the_detector_for_camera_traps_counts_more_than_the_general_model(
    animal_probability: float, box: float, subject: str
) -> None:
    assert SurestBoxes(box, by_night=True).subject(animal_probability, 0.6) == subject

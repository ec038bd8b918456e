"""The second look: which photos need one, and where it looks."""

import numpy as np
import pytest

from chalicelib.model.certainty import MOST_EMPTY
from chalicelib.model.recogniser import SURE, needs_second_look, place_in
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Taxon

ORDER = Taxon("carnivore", "Carnivora", "order")
FAMILY = Taxon("cat", "Felidae", "family")
LION = Taxon("lion", "Panthera leo", "species")


@pytest.mark.parametrize(
    ("prediction", "needed"),
    [
        (None, True),
        (Prediction(Taxon("animal", "Animalia", "kingdom"), 1.0), True),
        (Prediction(ORDER, 1.0, (ORDER,)), True),
        (Prediction(FAMILY, SURE, (ORDER, FAMILY)), False),
        (Prediction(LION, SURE - 0.01, (ORDER, FAMILY, LION)), True),
        (Prediction(LION, SURE, (ORDER, FAMILY, LION)), False),
    ],
)
def test_only_a_sure_family_or_narrower_needs_no_second_look(prediction: Prediction | None, needed: bool) -> None:
    assert needs_second_look(prediction) == needed


def scores(shown: list[list[float]] | None, animal: float = 0.9) -> Scores:
    nothing = np.zeros(3, np.float32)
    return Scores(nothing, nothing, animal, activation_map=None if shown is None else np.array(shown, np.float32))


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (scores([[0, 0, 0], [0, 0, 8]]), (5 / 6, 0.75)),
        (scores([[0, 5, 0], [-9, 5, 0]]), (0.5, 0.5)),
        (scores([[8, 0, 6], [0, 5, 0]]), (0.5, 0.25)),
        (scores([[-1, -2], [-3, -2]]), (0.5, 0.5)),
        (scores([[8, 0], [0, 0]], animal=MOST_EMPTY - 0.01), None),
        (scores(None), None),
    ],
)
def test_the_part_of_a_photo_is_where_the_general_model_saw_most_of_an_animal(
    given: Scores, place: tuple[float, float] | None
) -> None:
    assert place_in(given) == (place if place is None else pytest.approx(place))

"""Which photos need a second look."""

import pytest

from chalicelib.model.looks import SURE, needs_second_look
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
def test_only_a_sure_family_or_narrower_needs_none(prediction: Prediction | None, needed: bool) -> None:
    assert needs_second_look(prediction) == needed

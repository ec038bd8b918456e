"""Boxes in an answer: where each thing is, and which animal each box shows."""

import numpy as np

from chalicelib.api.boxes import Found, found_in
from chalicelib.api.responses import BoxesFound, BoxFound, Candidate, PredictedTaxon
from chalicelib.model.detector import Box, Sightings
from testing.records import KOALA, KOALAS

SQUARES = tuple(np.full((8, 8, 3), value, np.uint8) for value in (10, 20))
SIGHTINGS = Sightings(
    animals=(Box(1 / 3, 0.0, 0.25, 1.0, 0.91234, "animal"), Box(0.5, 0.5, 0.5, 0.5, 0.4, "animal")),
    people=(Box(0.1, 0.2, 0.3, 0.4, 0.5, "person"),),
    vehicles=(),
    squares=SQUARES,
)


def test_each_animal_is_named_in_its_box() -> None:
    # GIVEN two animals of which the models know the first
    def name(
        square: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    ) -> tuple[PredictedTaxon | None, tuple[Candidate, ...]]:
        return (KOALAS, (KOALA,)) if square[0, 0, 0] == 10 else (None, (KOALA,))

    # WHEN the answer shows what was found
    found = found_in(SIGHTINGS, name)
    # THEN each has its box, rounded, with its own answer
    assert found.animals is not None
    first, second = found.animals
    assert (first.box, first.prediction) == (BoxFound(0.3333, 0.0, 0.25, 1.0, 0.9123), KOALAS)
    assert (second.prediction, second.candidates) == (None, (KOALA,))
    # AND people and vehicles are counted
    assert found.people == BoxesFound(1, (BoxFound(0.1, 0.2, 0.3, 0.4, 0.5),))
    assert found.vehicles == BoxesFound(0, ())


def test_without_boxes_nothing_is_said_about_them() -> None:
    assert found_in(None, lambda _: (KOALAS, (KOALA,))) == Found(None, None, None)

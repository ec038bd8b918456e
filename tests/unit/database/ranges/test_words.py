"""Ranges in plain words, and the map of the world."""

import numpy as np
import pytest

from database.areas.area_cells import Earth
from database.ranges.cell_weights import CellWeights
from database.ranges.language import parse
from database.ranges.statement import Statement
from database.ranges.words import HEIGHT, WIDTH, describe, drawn, in_words

AROUND = np.zeros((5, 6), np.intp)
NAMES = {"AU": "Australia", "AU-TAS": "Tasmania", "PE": "Peru", "BO": "Bolivia", "NZ": "New Zealand"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("AU", "Australia"),
        ("eastern-US NZ", "eastern US, New Zealand"),
        ("AU - AU-TAS + NZ", "Australia without Tasmania and New Zealand"),
        ("Andes & PE BO", "Andes where also Peru, Bolivia"),
        ("AU ; lat >= -30.5, lon <= 140", "Australia, north of 30.5° S, west of 140° E"),
        ("NZ ; lat <= 0, lon >= -10", "New Zealand, south of 0° N, east of 10° W"),
    ],
)
def test_a_range_in_words(text: str, words: str) -> None:
    assert in_words(parse(text), NAMES) == words


def test_a_statement_is_described_with_all_that_limits_it() -> None:
    statement = Statement("a", parse("PE"), "native", "doubt", "within", "winter", "book", "few records", "a, line 2")
    assert describe(statement, NAMES) == "native somewhere within: Peru (winter; in doubt; few records)"


def test_the_map_marks_each_kind_of_cell() -> None:
    # GIVEN five cells on the equator, four of them land
    longitude = np.array([-150.0, -75.0, 0.0, 75.0, 150.0])
    realm = np.array([[True] * 4 + [False], [False] * 4 + [True]])
    earth = Earth(np.arange(5), np.zeros(5), longitude, AROUND, AROUND, realm)
    lives = CellWeights(np.array([1, 0.5, 0.5, 0, 0], np.float32), np.array([1, 1, 2, 0, 0], np.uint8))
    lines = drawn(lives, earth).split("\n")
    # THEN the line of the equator has the marks from west to east, and all other lines are empty
    assert len(lines) == HEIGHT
    assert lines[HEIGHT // 2].split() == ["#", "+", "o", "·"]
    assert lines[HEIGHT // 2].index("o") == WIDTH // 2
    assert "".join(lines[: HEIGHT // 2]) == ""

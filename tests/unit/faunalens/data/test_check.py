"""Disagreements between a range and what independent sources say."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from faunalens.data.__main__ import main
from faunalens.data.areas.area_cells import AreaCells, Earth
from faunalens.data.cell_animals import CellWeights
from faunalens.data.check import (
    HEIGHT,
    WIDTH,
    Disagreement,
    Evidence,
    Fact,
    Score,
    describe,
    disagreements,
    drawn,
    gaps,
    read_facts,
    scores,
)
from faunalens.data.ranges.language import Statement, parse

N = 12
"""Cells 0 to 11 in a row from south to north, 10° apart: 0 to 9 are land, 10 and 11 sea."""
NUMBER = np.arange(N)
AROUND = np.stack([np.clip(NUMBER - 1, 0, N - 1), np.clip(NUMBER + 1, 0, N - 1)] * 3, axis=1)


class Row(Earth):
    """The cells of one meridian."""

    def position_of(self, latitude: float, _longitude: float) -> int:
        return round((latitude + 50) / 10)


EARTH = Row(
    NUMBER.astype(np.int64),
    NUMBER.astype(np.float64) * 10 - 50,
    np.zeros(N),
    AROUND,
    AROUND,
    np.stack([NUMBER < 10, NUMBER >= 10]),
)
AREAS = AreaCells(EARTH, {str(number): np.array([number]) for number in range(N)}, {}, {})


def lives_in(*cells: int, weight: float = 1.0, status: int = 1) -> CellWeights:
    weights = np.zeros(N, np.float32)
    weights[list(cells)] = weight
    return CellWeights(weights, np.where(weights > 0, status, 0).astype(np.uint8))


def evidence(migration: str = "sedentary", areas: tuple[str, ...] = (), **more: Any) -> Evidence:
    said = dict.fromkeys(("south", "north", "centre", "km2")) | more
    return Evidence(taxon="a", source="book", migration=migration, areas=areas, **said)


BEYOND = "-50° to -40°, the range -50° to 60°"
GOOD = evidence(south=-30, north=0, centre=(-20.0, 0.0), km2=4 * 12_400.0, areas=("2", "5"))


@pytest.mark.parametrize(
    ("said", "lives", "expected"),
    [
        (GOOD, lives_in(2, 3, 4, 5), []),
        (evidence(areas=("2", "7", "8")), lives_in(2), [("unlisted", "7 8")]),
        # a weight below that of a listed animal counts as absent
        (evidence(areas=("2",)), lives_in(2, weight=0.05), [("unlisted", "2")]),
        (evidence(south=-30, north=40), lives_in(2, 3), [("reach", "-30° to 40°, the range -30° to -20°")]),
        # a resident may not go far beyond its breeding range, and a migrant not beyond what lies 90° away
        (evidence(south=-30, north=-20), lives_in(2, 4, 6), [("beyond", "-30° to -20°, the range -30° to 10°")]),
        (evidence(south=-30, north=-20, migration="migratory"), lives_in(2, 4, 6), []),
        (evidence(south=-50, north=-40, migration="partial"), lives_in(0, 11), [("beyond", BEYOND)]),
        # introduced cells do not count for latitudes
        (evidence(south=-30, north=-20), lives_in(2, 3, 8, status=2), []),
        # the centre lies inside unless it lies in the sea
        (evidence(centre=(20.0, 0.0)), lives_in(2), [("centroid", "20.0, 0.0")]),
        (evidence(centre=(60.0, 0.0)), lives_in(2), []),
        # sizes are compared unless the range is small
        (evidence(km2=3e6), lives_in(0, 1), [("size", "0.0 times the source's 3.00 million km²")]),
        (evidence(km2=3e6, migration="migratory"), lives_in(0, 1), []),
        (evidence(km2=200_000.0), lives_in(*range(10)), []),
        (evidence(km2=250_000.0), lives_in(*range(9)), []),
    ],
)
def test_disagreements(said: Evidence, lives: CellWeights, expected: list[tuple[str, str]]) -> None:
    found = list(disagreements(said, lives, AREAS))
    assert found == [Disagreement("a", check, "book", detail) for check, detail in expected]


def test_a_cell_between_cells_of_the_range_is_a_gap() -> None:
    assert gaps(lives_in(2, 4), EARTH).tolist() == [3]
    assert gaps(lives_in(2, 5), EARTH).tolist() == []
    # AND a cell in the sea is no gap of a land animal
    assert gaps(lives_in(8, 9), EARTH).tolist() == []


def fact(truth: str, taxon: str = "koala") -> Fact:
    return Fact(taxon, -27.5, 153.0, "Brisbane", truth, True, "because")


@pytest.mark.parametrize(
    ("facts", "koalas", "expected"),
    [
        (
            [fact("native"), fact("native", "emu"), fact("absent", "emu")],
            (1.0, "native"),
            {
                "all": Score((1, 2), (1, 1), (0, 0)),
                "birds": Score((0, 1), (1, 1), (0, 0)),
                "mammals": Score((1, 1), (0, 0), (0, 0)),
            },
        ),
        # an introduced animal counts as living there, and is to be marked
        ([fact("introduced")] * 2, (0.5, "native"), dict.fromkeys(("all", "mammals"), Score((2, 2), (0, 0), (0, 2)))),
    ],
)
def test_facts_are_counted(facts: list[Fact], koalas: tuple[float, str], expected: dict[str, Score]) -> None:
    found = [(each, *(koalas if each.taxon == "koala" else (0.05, "native"))) for each in facts]
    assert scores(found, {"koala": "mammals", "emu": "birds"}) == expected


def test_the_facts_of_this_checkout_are_well_formed_and_said_once() -> None:
    facts = read_facts()
    assert len(facts) >= 600
    assert {each.truth for each in facts} == {"native", "introduced", "absent"}
    assert all(-90 <= each.latitude <= 90 and -180 <= each.longitude <= 180 for each in facts)
    assert all(each.place and each.reason for each in facts)
    twice = Counter((each.taxon, each.cell, each.truth) for each in facts)
    assert [key for key, count in twice.items() if count > 2] == []


AROUND = np.zeros((5, 6), np.intp)


def test_a_statement_is_described_with_all_that_limits_it() -> None:
    statement = Statement("a", parse("PE"), "native", "doubt", "within", "winter", "book", "few records", "a, line 2")
    assert describe(statement, {"PE": "Peru"}) == "native somewhere within: Peru (winter; in doubt; few records)"


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


# The second is a relative: no class of the model stands for it.
@pytest.mark.parametrize(
    ("name", "taxon", "file"),
    [
        ("Phascolarctos cinereus", "phascolarctos-cinereus", "mammals.csv"),
        ("ocelot", "leopardus-pardalis", "relatives/mammals.csv"),
    ],
)
def test_a_range_is_found_by_name_with_its_file_and_line(
    name: str, taxon: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", name]) == 0
    found, first, *_ = capsys.readouterr().out.splitlines()
    assert found == taxon
    assert f"; {file}, line " in first
    # AND an unknown name gets similar ones
    assert main(["explain", "phascolarctos cinereis"]) == 1
    assert capsys.readouterr().err.startswith("error: no taxon is called 'phascolarctos cinereis'; similar: phascol")

"""Disagreements between a range and what independent sources say."""

import numpy as np
import pytest

from database.areas.area_cells import AreaCells, Earth
from database.check import Disagreement, Evidence, disagreements, gaps
from database.ranges.cell_weights import CellWeights

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


def evidence(
    south: float | None = None,
    north: float | None = None,
    centre: tuple[float, float] | None = None,
    km2: float | None = None,
    migration: str = "sedentary",
    areas: tuple[str, ...] = (),
) -> Evidence:
    return Evidence("a", "book", south, north, centre, km2, migration, areas)


def found(evidence: Evidence, lives: CellWeights) -> list[Disagreement]:
    return list(disagreements(evidence, lives, AREAS))


def test_a_range_as_in_the_evidence_has_no_disagreement() -> None:
    good = evidence(south=-30, north=0, centre=(-20.0, 0.0), km2=4 * 12_400.0, areas=("2", "5"))
    assert found(good, lives_in(2, 3, 4, 5)) == []


def test_an_area_of_the_evidence_without_the_taxon_is_unlisted() -> None:
    assert found(evidence(areas=("2", "7", "8")), lives_in(2)) == [Disagreement("a", "unlisted", "book", "7 8")]
    # A weight below that of a listed animal counts as absent.
    assert found(evidence(areas=("2",)), lives_in(2, weight=0.05))[0].check == "unlisted"


def test_a_range_that_stops_short_does_not_reach() -> None:
    [one] = found(evidence(south=-30, north=40), lives_in(2, 3))
    assert (one.check, one.detail) == ("reach", "-30° to 40°, the range -30° to -20°")


@pytest.mark.parametrize(("migration", "checks"), [("sedentary", ["beyond"]), ("migratory", [])])
def test_only_a_resident_may_not_go_far_beyond_its_breeding_range(migration: str, checks: list[str]) -> None:
    found_ = found(evidence(south=-30, north=-20, migration=migration), lives_in(2, 3, 4, 5, 6))
    assert [each.check for each in found_] == checks


def test_introduced_cells_do_not_count_for_latitudes() -> None:
    assert found(evidence(south=-30, north=-20), lives_in(2, 3, 8, status=2)) == []


def test_the_centre_lies_inside_unless_it_lies_in_the_sea() -> None:
    assert [each.check for each in found(evidence(centre=(20.0, 0.0)), lives_in(2))] == ["centroid"]
    assert found(evidence(centre=(60.0, 0.0)), lives_in(2)) == []


@pytest.mark.parametrize(
    ("km2", "cells", "checks"),
    [(3e6, 2, ["size"]), (3e6, 10, ["size"]), (200_000.0, 10, []), (250_000.0, 9, []), (1000.0, 10, [])],
)
def test_sizes_are_compared_unless_the_range_is_small(km2: float, cells: int, checks: list[str]) -> None:
    lives = lives_in(*range(cells))
    assert [each.check for each in found(evidence(km2=km2), lives)] == checks


def test_a_cell_between_cells_of_the_range_is_a_gap() -> None:
    assert gaps(lives_in(2, 4), EARTH).tolist() == [3]
    assert gaps(lives_in(2, 5), EARTH).tolist() == []
    # AND a cell in the sea is no gap of a land animal
    assert gaps(lives_in(8, 9), EARTH).tolist() == []

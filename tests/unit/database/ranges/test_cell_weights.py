"""From statements to the weight of a taxon in each cell, on a chain of cells along a coast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.areas.area_cells import LAND, SEA, Cells, Earth
from database.ranges.cell_weights import INTRODUCED, NATIVE, WEIGHTS, cell_weights
from database.ranges.language import Area, Range
from database.ranges.statement import Statement

N = 10
"""Cells 0 to 7 are land, cells 7 to 9 sea. Each cell has the next one as its neighbour."""


def earth() -> Earth:
    number = np.arange(N)
    around = np.stack([np.clip(number - 1, 0, N - 1), np.clip(number + 1, 0, N - 1), *[number] * 4], axis=1)
    realm = np.stack([number <= 7, number >= 7])
    degrees = number.astype(np.float64)
    return Earth(number.astype(np.int64), degrees, degrees, around, around, realm)


EARTH = earth()


def cells_of(statement: Range) -> Cells:
    """Return the cells that the name lists: `12` is land in cells 1 and 2, `s78` is sea in cells 7 and 8."""
    assert isinstance(statement.areas, Area)
    name = statement.areas.name
    cells = np.zeros((2, N), bool)
    cells[SEA if name[0] == "s" else LAND, [int(digit) for digit in name.lstrip("s")]] = True
    return cells


def states(areas: str, status: str = "native", certainty: str = "sure", extent: str = "throughout") -> Statement:
    return Statement("a", Range(Area(areas, 1)), status, certainty, extent, "", "book", "", "a.csv, line 2")


def weights(*statements: Statement, on_map: list[int] | None = None) -> dict[int, tuple[float, int]]:
    mapped = None if on_map is None else np.array(on_map, np.intp)
    found = cell_weights(statements, cells_of, EARTH, mapped)
    return {
        cell: (round(float(found.weights[cell]), 3), int(found.status[cell]))
        for cell in np.flatnonzero(found.weights).tolist()
    }


W = WEIGHTS
CORE, BESIDE = (W.native, NATIVE), (W.beside, NATIVE)


def test_inside_counts_in_full_and_one_cell_outside_in_part() -> None:
    assert weights(states("23")) == {1: BESIDE, 2: CORE, 3: CORE, 4: BESIDE}


def test_a_land_animal_does_not_reach_into_the_sea_nor_a_sea_animal_inland() -> None:
    assert weights(states("7")) == {6: BESIDE, 7: CORE}
    assert weights(states("s7")) == {7: CORE, 8: BESIDE}


def test_statements_add_up_and_absence_stops_what_spills_over() -> None:
    assert weights(states("2"), states("5"), states("3", "absent")) == {
        1: BESIDE,
        2: CORE,
        4: BESIDE,
        5: CORE,
        6: BESIDE,
    }
    # AND absence takes away nothing that another statement says for sure
    assert weights(states("2"), states("2", "absent"))[2] == CORE


def test_doubt_weighs_less_and_does_not_spread() -> None:
    assert weights(states("2"), states("5", certainty="doubt")) == {
        1: BESIDE, 2: CORE, 3: BESIDE, 5: (W.doubt, NATIVE),
    }  # fmt: skip


def test_strays_count_for_nothing() -> None:
    assert weights(states("2", "vagrant")) == {}


def test_introduced_animals_are_marked_unless_they_are_native_there() -> None:
    found = weights(states("2"), states("23456", "introduced"))
    assert found[2] == CORE
    assert {cell: found[cell] for cell in (4, 5, 6)} == dict.fromkeys((4, 5, 6), (W.introduced, INTRODUCED))


def test_a_range_map_decides_within_its_areas() -> None:
    # GIVEN an animal that lives somewhere within cells 0 to 6, and a map of cell 1
    found = weights(states("0123456", extent="within"), on_map=[1])
    # THEN the map counts in full, cells beside and near it in part, and the rest of the areas not at all
    near = (pytest.approx(W.near), NATIVE)
    assert found == {0: BESIDE, 1: CORE, 2: BESIDE, 3: near, 4: near}


def test_a_map_does_not_spill_over_into_areas_that_no_statement_names() -> None:
    # GIVEN a map that ends at the edge of its areas WHEN weighed THEN nothing lies beside it on the other side
    assert weights(states("23", extent="within"), on_map=[2, 3]).keys() == {2, 3}
    # AND a statement without a map spills over
    assert weights(states("23", extent="within")).keys() == {1, 2, 3, 4}


def test_a_map_counts_only_where_a_statement_allows_it() -> None:
    assert weights(states("0123", extent="within"), on_map=[1, 6]).keys() == {0, 1, 2, 3}


def test_without_a_map_an_area_counts_as_a_whole() -> None:
    assert weights(states("23", extent="within")) == weights(states("23"))


def test_a_statement_throughout_mends_a_gap_of_the_map() -> None:
    assert weights(states("012345", extent="within"), states("5"), on_map=[1])[5] == CORE


any_statement = st.builds(
    states,
    st.lists(st.integers(0, 7), min_size=1).map(lambda cells: "".join(map(str, cells))),
    st.sampled_from(["native", "introduced", "vagrant", "absent"]),
    st.sampled_from(["sure", "doubt"]),
    st.sampled_from(["throughout", "within"]),
)


@given(st.lists(any_statement, max_size=5), st.none() | st.lists(st.integers(0, N - 1), max_size=4))
def test_weights_and_statuses_fit_together(statements: list[Statement], on_map: list[int] | None) -> None:
    found = cell_weights(statements, cells_of, EARTH, None if on_map is None else np.array(on_map, np.intp))
    assert ((found.weights >= 0) & (found.weights <= 1)).all()
    assert ((found.weights > 0) == (found.status > 0)).all()
    assert set(found.status.tolist()) <= {0, NATIVE, INTRODUCED}


@given(st.lists(any_statement, max_size=4), any_statement.filter(lambda each: each.status in ("native", "introduced")))
def test_one_more_statement_of_presence_takes_no_weight_away(statements: list[Statement], more: Statement) -> None:
    def lives(some: list[Statement]) -> np.ndarray:
        return cell_weights(some, cells_of, EARTH).weights

    assert (lives([*statements, more]) >= lives(statements)).all()

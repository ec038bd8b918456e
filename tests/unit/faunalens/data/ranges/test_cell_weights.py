"""From statements to the weight of a taxon in each cell, on a chain of cells along a coast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.data.areas.area_cells import LAND, SEA, Cells, Earth
from faunalens.data.ranges.cell_weights import INTRODUCED, NATIVE, WEIGHTS, cell_weights
from faunalens.data.ranges.language import Area, Range
from faunalens.data.ranges.statement import Statement

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
    lives = np.flatnonzero(found.weights).tolist()
    return {cell: (round(float(found.weights[cell]), 3), int(found.status[cell])) for cell in lives}


W = WEIGHTS
CORE, BESIDE = (W.native, NATIVE), (W.beside, NATIVE)


NEAR, DOUBT, BROUGHT = (pytest.approx(W.near), NATIVE), (W.doubt, NATIVE), (W.introduced, INTRODUCED)
ALL = "0123456"


@pytest.mark.parametrize(
    ("statements", "on_map", "expected"),
    [
        # inside counts in full, and one cell outside in part
        ([states("23")], None, {1: BESIDE, 2: CORE, 3: CORE, 4: BESIDE}),
        # a land animal does not reach into the sea, nor a sea animal inland
        ([states("7")], None, {6: BESIDE, 7: CORE}),
        ([states("s7")], None, {7: CORE, 8: BESIDE}),
        # statements add up, and absence stops what spills over, but takes away nothing that is sure
        ([states("2"), states("5"), states("3", "absent")], None, {1: BESIDE, 2: CORE, 4: BESIDE, 5: CORE, 6: BESIDE}),
        ([states("2"), states("2", "absent")], None, {1: BESIDE, 2: CORE, 3: BESIDE}),
        # doubt weighs less and does not spread
        ([states("2"), states("5", certainty="doubt")], None, {1: BESIDE, 2: CORE, 3: BESIDE, 5: DOUBT}),
        # strays count for nothing
        ([states("2", "vagrant")], None, {}),
        # introduced animals are marked, unless they are native there
        (
            [states("2"), states("456", "introduced")],
            None,
            {1: BESIDE, 2: CORE, 3: BESIDE, 4: BROUGHT, 5: BROUGHT, 6: BROUGHT},
        ),
        ([states("2"), states("2", "introduced")], None, {1: BESIDE, 2: CORE, 3: BESIDE}),
        # a map counts in full within its areas, cells beside and near it in part, and the rest not at all
        ([states(ALL, extent="within")], [1], {0: BESIDE, 1: CORE, 2: BESIDE, 3: NEAR, 4: NEAR}),
        # it does not spill over into areas that no statement names, or count where none allows it
        ([states("23", extent="within")], [2, 3], {2: CORE, 3: CORE}),
        ([states("0123", extent="within")], [1, 6], {0: BESIDE, 1: CORE, 2: BESIDE, 3: NEAR}),
        # without a map an area counts as a whole
        ([states("23", extent="within")], None, {1: BESIDE, 2: CORE, 3: CORE, 4: BESIDE}),
        # a statement throughout mends a gap of the map
        (
            [states("012345", extent="within"), states("5")],
            [1],
            {0: BESIDE, 1: CORE, 2: BESIDE, 3: NEAR, 4: BESIDE, 5: CORE, 6: BESIDE},
        ),
    ],
)
def test_weights(statements: list[Statement], on_map: list[int] | None, expected: dict[int, tuple[float, int]]) -> None:
    assert weights(*statements, on_map=on_map) == expected


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

"""From statements to the weight of a taxon in each cell, the rows of the table `cell_animal`, and the relatives."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.location import cell_of
from faunalens.data import cell_animals
from faunalens.data.areas.area_cells import AreaCells, Earth
from faunalens.data.cell_animals import (
    INTRODUCED,
    NATIVE,
    WEIGHTS,
    Rows,
    cell_relatives,
    cell_weights,
    in_chunks,
    ranges_of,
)
from faunalens.data.ranges.language import Statement, parse

N = 10
"""Cells 0 to 7 are land, cells 7 to 9 sea. Each cell has the next one as its neighbour."""


NUMBER = np.arange(N)
AROUND = np.stack([np.clip(NUMBER - 1, 0, N - 1), np.clip(NUMBER + 1, 0, N - 1), *[NUMBER] * 4], axis=1)
DEGREES = NUMBER.astype(np.float64)
EARTH = Earth(NUMBER, DEGREES, DEGREES, AROUND, AROUND, np.stack([NUMBER <= 7, NUMBER >= 7]))
AREAS = AreaCells(
    EARTH, {str(cell): np.array([cell]) for cell in range(8)}, {f"s{cell}": np.array([cell]) for cell in (7, 8, 9)}, {}
)
"""`1 2` is land in cells 1 and 2, `s7 s8` is sea in cells 7 and 8."""


def states(
    areas: str, status: str = "native", certainty: str = "sure", extent: str = "throughout", taxon: str = "a"
) -> Statement:
    return Statement(taxon, parse(areas), status, certainty, extent, "", "book", "", "a.csv, line 2")


def weights(*statements: Statement, on_map: list[int] | None = None) -> dict[int, tuple[float, int]]:
    found = cell_weights(statements, AREAS, on_map)
    lives = np.flatnonzero(found.weights).tolist()
    return {cell: (round(float(found.weights[cell]), 3), int(found.status[cell])) for cell in lives}


W = WEIGHTS
CORE, BESIDE = (W.native, NATIVE), (W.beside, NATIVE)


NEAR, DOUBT, BROUGHT = (pytest.approx(W.near), NATIVE), (W.doubt, NATIVE), (W.introduced, INTRODUCED)
ALL = "0 1 2 3 4 5 6"


@pytest.mark.parametrize(
    ("statements", "on_map", "expected"),
    [
        # inside counts in full, and one cell outside in part
        ([states("2 3")], None, {1: BESIDE, 2: CORE, 3: CORE, 4: BESIDE}),
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
            [states("2"), states("4 5 6", "introduced")],
            None,
            {1: BESIDE, 2: CORE, 3: BESIDE, 4: BROUGHT, 5: BROUGHT, 6: BROUGHT},
        ),
        ([states("2"), states("2", "introduced")], None, {1: BESIDE, 2: CORE, 3: BESIDE}),
        # a map counts in full within its areas, cells beside and near it in part, and the rest not at all
        ([states(ALL, extent="within")], [1], {0: BESIDE, 1: CORE, 2: BESIDE, 3: NEAR, 4: NEAR}),
        # it does not spill over into areas that no statement names, or count where none allows it
        ([states("2 3", extent="within")], [2, 3], {2: CORE, 3: CORE}),
        ([states("0 1 2 3", extent="within")], [1, 6], {0: BESIDE, 1: CORE, 2: BESIDE, 3: NEAR}),
        # without a map an area counts as a whole
        ([states("2 3", extent="within")], None, {1: BESIDE, 2: CORE, 3: CORE, 4: BESIDE}),
        # a statement throughout mends a gap of the map
        (
            [states("0 1 2 3 4 5", extent="within"), states("5")],
            [1],
            {0: BESIDE, 1: CORE, 2: BESIDE, 3: NEAR, 4: BESIDE, 5: CORE, 6: BESIDE},
        ),
    ],
)
def test_weights(statements: list[Statement], on_map: list[int] | None, expected: dict[int, tuple[float, int]]) -> None:
    assert weights(*statements, on_map=on_map) == expected


any_statement = st.builds(
    states,
    st.lists(st.integers(0, 7), min_size=1).map(lambda cells: " ".join(map(str, cells))),
    st.sampled_from(["native", "introduced", "vagrant", "absent"]),
    st.sampled_from(["sure", "doubt"]),
    st.sampled_from(["throughout", "within"]),
)


@given(st.lists(any_statement, max_size=5), st.none() | st.lists(st.integers(0, N - 1), max_size=4))
def test_weights_and_statuses_fit_together(statements: list[Statement], on_map: list[int] | None) -> None:
    found = cell_weights(statements, AREAS, on_map)
    assert ((found.weights >= 0) & (found.weights <= 1)).all()
    assert ((found.weights > 0) == (found.status > 0)).all()
    assert set(found.status.tolist()) <= {0, NATIVE, INTRODUCED}


PARIS, SYDNEY = cell_of(48.9, 2.4), cell_of(-33.9, 151.2)


def computed(areas: AreaCells, statements: Sequence[Statement], maps: dict[str, list[int]] | None = None) -> Rows:
    by_taxon = {each.taxon: [other for other in statements if other.taxon == each.taxon] for each in statements}
    rows = list(in_chunks(ranges_of({"fox": 7, "koala": 3}, by_taxon, maps or {}, areas)))
    return np.concatenate(rows) if rows else np.empty(0, cell_animals.ROW)


def test_a_cell_has_the_animals_whose_range_has_it_in_order(areas: AreaCells) -> None:
    said = [
        states("FR", taxon="fox"),
        states("AU", "introduced", taxon="fox"),
        states("AU", taxon="koala"),
        states("DE", taxon="wolf"),
    ]
    rows = computed(areas, said)
    keys = list(zip(rows["cell"].tolist(), rows["animal"].tolist(), strict=True))
    assert keys == sorted(set(keys))
    assert set(rows["animal"].tolist()) == {3, 7}
    assert rows[rows["cell"] == PARIS].tolist() == [(PARIS, 7, WEIGHTS.native, NATIVE)]
    fox, koala = (SYDNEY, 7, WEIGHTS.introduced, INTRODUCED), (SYDNEY, 3, WEIGHTS.native, NATIVE)
    assert rows[rows["cell"] == SYDNEY].tolist() == [koala, fox]
    assert len(computed(areas, [])) == 0


def test_relatives_live_where_their_statements_say_the_most_widespread_first(areas: AreaCells) -> None:
    # GIVEN a cat of Uruguay, a cat of two countries that was introduced to Cuba, a stray, and one without a statement
    statements = {
        "one": [states("UY", taxon="one")],
        "two": [states("UY AR", taxon="two"), states("CU", "introduced", taxon="two")],
        "stray": [states("UY", "vagrant", taxon="stray")],
    }
    found = cell_relatives({"one": 1, "two": 2, "stray": 3, "nowhere": 4}, statements, areas)
    # THEN each cell has those that live in it
    assert found[cell_of(-33.0, -56.0)] == (2, 1)
    assert found[cell_of(-38.0, -65.0)] == (2,)
    assert found[cell_of(21.8, -78.5)] == (2,)
    assert cell_of(48.6, 7.8) not in found

"""From statements by taxon to the rows of the table `cell_animal`, and to the relatives in each cell."""

from collections.abc import Sequence

import numpy as np

from chalicelib.features.cells import cell_of
from faunalens.data import cell_animals
from faunalens.data.areas.area_cells import AreaCells
from faunalens.data.cell_animals import Rows, cell_relatives, in_chunks, ranges_of
from faunalens.data.ranges.cell_weights import INTRODUCED, NATIVE, WEIGHTS
from faunalens.data.ranges.language import parse
from faunalens.data.ranges.statement import Statement

PARIS, SYDNEY = cell_of(48.9, 2.4), cell_of(-33.9, 151.2)


def states(taxon: str, areas: str, status: str = "native", extent: str = "throughout") -> Statement:
    return Statement(taxon, parse(areas), status, "sure", extent, "", "book", "", "a.csv, line 2")


def computed(areas: AreaCells, statements: Sequence[Statement], maps: dict[str, list[int]] | None = None) -> Rows:
    by_taxon = {each.taxon: [other for other in statements if other.taxon == each.taxon] for each in statements}
    rows = list(in_chunks(ranges_of({"fox": 7, "koala": 3}, by_taxon, maps or {}, areas)))
    return np.concatenate(rows) if rows else np.empty(0, cell_animals.ROW)


def test_a_cell_has_the_animals_whose_range_has_it_in_order(areas: AreaCells) -> None:
    said = [states("fox", "FR"), states("fox", "AU", "introduced"), states("koala", "AU"), states("wolf", "DE")]
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
        "one": [states("one", "UY")],
        "two": [states("two", "UY AR"), states("two", "CU", "introduced")],
        "stray": [states("stray", "UY", "vagrant")],
    }
    found = cell_relatives({"one": 1, "two": 2, "stray": 3, "nowhere": 4}, statements, areas)
    # THEN each cell has those that live in it
    assert found[cell_of(-33.0, -56.0)] == (2, 1)
    assert found[cell_of(-38.0, -65.0)] == (2,)
    assert found[cell_of(21.8, -78.5)] == (2,)
    assert cell_of(48.6, 7.8) not in found

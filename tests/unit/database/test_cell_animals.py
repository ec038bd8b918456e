"""Which animals live in a cell, and with what weight."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.cells import cell_of, neighbours_of
from database import cell_animals
from database.cell_animals import INTRODUCED, NATIVE, WEIGHTS, AnimalArea, AnimalRow, Cell

HERE = cell_of(48.6, 7.8)
BESIDE, *OTHERS = sorted(neighbours_of(HERE))
FAR = cell_of(-33.9, 151.2)

type Placed = dict[tuple[int, int], tuple[float, int]]


def animal(number: int, kind: str = "wild") -> AnimalRow:
    return AnimalRow(number, f"animal {number}", f"Animalia {number}", "species", kind, ("Chordata",))


def placed(
    cells: list[Cell],
    animals: list[AnimalRow],
    areas: list[tuple[int, str, str]] | None = None,
    ranges: list[tuple[int, int]] | None = None,
) -> Placed:
    """Weight and status by cell and animal."""
    claims = [AnimalArea(number, area, status, "test") for number, area, status in areas or []]
    rows = np.concatenate(list(cell_animals.compute_cell_animals(cells, animals, claims, ranges or [])))
    return {
        (int(row["cell"]), int(row["animal"])): (round(float(row["weight"]), 6), int(row["status"])) for row in rows
    }


def test_a_cell_has_the_animals_of_every_country_that_touches_it() -> None:
    # GIVEN a cell on the Rhine and one on the French side
    cells = [Cell(HERE, False, ("DE", "FR")), Cell(BESIDE, False, ("FR",))]
    # WHEN one animal lives in Germany, one in France, one in Australia
    found = placed(
        cells, [animal(1), animal(2), animal(3)], [(1, "DE", "native"), (2, "FR", "native"), (3, "AU", "native")]
    )
    # THEN the border excludes neither
    assert found == {(HERE, 1): (1.0, NATIVE), (HERE, 2): (1.0, NATIVE), (BESIDE, 2): (1.0, NATIVE)}


def test_introduced_animals_weigh_less_and_native_wins_on_a_border() -> None:
    cells = [Cell(HERE, False, ("DE", "FR")), Cell(BESIDE, False, ("FR",))]
    found = placed(cells, [animal(1)], [(1, "DE", "native"), (1, "FR", "introduced")])
    assert found == {(HERE, 1): (1.0, NATIVE), (BESIDE, 1): (WEIGHTS.introduced, INTRODUCED)}


def test_a_mammal_with_a_range_map_weighs_less_where_the_map_is_far() -> None:
    # GIVEN a map of one cell, and a country that reaches from there to the other end of the world
    cells = [Cell(cell, False, ("FR",)) for cell in (HERE, BESIDE, FAR)]
    found = placed(cells, [animal(1)], [(1, "FR", "native")], [(1, HERE)])
    # THEN the map and what touches it count in full, the rest of the country less
    assert found == {(HERE, 1): (1.0, NATIVE), (BESIDE, 1): (1.0, NATIVE), (FAR, 1): (WEIGHTS.off_range, NATIVE)}


def test_a_cell_of_the_map_counts_without_its_country_but_its_neighbour_does_not() -> None:
    cells = [Cell(HERE, False, ("DE",)), Cell(BESIDE, False, ("DE",)), Cell(FAR, False, ("AU",))]
    found = placed(cells, [animal(1)], [(1, "AU", "native")], [(1, HERE)])
    assert found == {(HERE, 1): (1.0, NATIVE), (FAR, 1): (WEIGHTS.off_range, NATIVE)}


def test_where_introduced_a_map_of_the_native_range_says_nothing() -> None:
    found = placed(
        [Cell(FAR, False, ("AU",)), Cell(HERE, False, ())], [animal(1)], [(1, "AU", "introduced")], [(1, HERE)]
    )
    assert found[FAR, 1] == (WEIGHTS.introduced, INTRODUCED)


def test_marine_animals_live_in_coast_cells_only() -> None:
    # GIVEN a shore, the sea beside it, and a cell inland
    cells = [Cell(HERE, True, ("FR",)), Cell(BESIDE, True, ()), Cell(FAR, False, ("FR",))]
    found = placed(cells, [animal(1, "marine")])
    assert found == {(HERE, 1): (1.0, NATIVE), (BESIDE, 1): (1.0, NATIVE)}


@pytest.mark.parametrize("kind", ["domestic", "cosmopolitan", "extinct"])
def test_others_are_stored_nowhere(kind: str) -> None:
    assert placed([Cell(HERE, True, ("FR",))], [animal(1, kind)]) == {}


def test_cells_of_a_map_in_the_open_sea_count_for_nothing() -> None:
    found = placed([Cell(HERE, False, ("FR",))], [animal(1)], [(1, "FR", "native")], [(1, FAR)])
    # THEN the map is not "the whole range": no cell of it is known, so the country alone decides
    assert found == {(HERE, 1): (1.0, NATIVE)}


@given(
    areas=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["DE", "FR", "CH"]), st.sampled_from(["native", "introduced"])),
        unique_by=lambda claim: claim[:2],
    ),
    ranges=st.lists(st.tuples(st.integers(0, 5), st.sampled_from([HERE, BESIDE, *OTHERS, FAR]))),
    touched=st.lists(st.sets(st.sampled_from(["DE", "FR", "CH"])), min_size=5, max_size=5),
)
def test_rows_are_sorted_unique_and_complete(
    areas: list[tuple[int, str, str]], ranges: list[tuple[int, int]], touched: list[set[str]]
) -> None:
    # GIVEN any claims and maps
    cells = [
        Cell(cell, False, tuple(sorted(its))) for cell, its in zip([FAR, HERE, BESIDE, *OTHERS], touched, strict=False)
    ]
    claims = [AnimalArea(*claim, "test") for claim in areas]
    rows = np.concatenate(list(cell_animals.compute_cell_animals(cells, [animal(n) for n in range(6)], claims, ranges)))
    keys = list(zip(rows["cell"].tolist(), rows["animal"].tolist(), strict=True))
    # THEN each pair is there once, in order, with a weight in (0, 1]
    assert keys == sorted(set(keys))
    assert ((rows["weight"] > 0) & (rows["weight"] <= 1)).all()
    # AND the pairs are exactly those of the countries and the maps
    expected = {(cell.cell, number) for cell in cells for number, area, _ in areas if area in cell.areas}
    expected |= {(cell, number) for number, cell in ranges if cell in {each.cell for each in cells}}
    assert set(keys) == expected


def test_chunks_do_not_change_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [Cell(cell, False, ("FR",)) for cell in (HERE, BESIDE, *OTHERS, FAR)]
    whole = placed(cells, [animal(1)], [(1, "FR", "native")], [(1, HERE)])
    monkeypatch.setattr(cell_animals, "CHUNK", 3)
    assert placed(cells, [animal(1)], [(1, "FR", "native")], [(1, HERE)]) == whole

"""Synthetic datasets have the requested size, and a database accepts them."""

import numpy as np
import pytest
from h3.api import basic_int as h3

from benchmarks.synthetic import BLOCK, Synthetic, cells_of


def test_cells_are_of_their_resolution() -> None:
    cells = cells_of(3)
    assert len(cells) == len(set(cells)) == 41_162
    assert cells == sorted(cells)
    assert {h3.get_resolution(cell) for cell in cells[::1000]} == {3}
    assert cells_of(3, 5) == cells[:5]


def test_each_cell_has_the_animals_it_should() -> None:
    # GIVEN more usual cells than a block has, and two crowded ones
    kind = Synthetic("made", range(1, BLOCK + 500), crowded=(40, 7), usual=3, animals=50)
    # WHEN its rows are read
    rows = np.concatenate(list(kind.dataset().cell_animals))
    # THEN their number is as announced, each cell has its own, and no animal twice
    assert len(rows) == kind.rows
    cells, counts = np.unique(rows["cell"], return_counts=True)
    assert cells.tolist() == list(kind.cells)
    assert counts[:2].tolist() == [40, 7]
    assert set(counts[2:].tolist()) == {3}
    assert len(np.unique(rows[["cell", "animal"]])) == len(rows)
    assert rows["animal"].max() < 50
    assert 0 < rows["weight"].min() <= rows["weight"].max() <= 1
    assert len(kind.dataset().animals) == 50


def test_the_same_values_make_the_same_dataset() -> None:
    kind = Synthetic("made", range(100), crowded=(), usual=2, animals=9)
    for one, other in zip(kind.dataset().cell_animals, kind.dataset().cell_animals, strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("crowded", "usual"), [((11,), 2), ((), 11), ((1, 1, 1), 1)])
def test_more_animals_or_cells_than_exist_are_refused(crowded: tuple[int, ...], usual: int) -> None:
    with pytest.raises(ValueError, match="cannot have more animals than the dataset"):
        Synthetic("made", range(2), crowded, usual, animals=10)

"""The packed ranges of the world: a reader gets what the server has of every cell."""

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.features.cells import cell_of
from database.cell_animals import ROW, Cell
from database.dataset import Dataset, read_dataset
from database.packed import BITS, pack, runs, varints
from tests.unit.database.packed_reader import CellRead, read

CELLS = sorted({cell_of(latitude, longitude) for latitude in range(-80, 81, 20) for longitude in range(-170, 171, 20)})


def expect_read(dataset: Dataset) -> None:
    """Compare what a reader gets with the dataset."""
    header, found = read(pack(dataset))
    assert header["version"] == dataset.version
    assert header["unknown"] == [each.animal for each in dataset.unknown]
    rows = np.concatenate([np.empty(0, ROW), *dataset.cell_animals])
    rows = rows[np.lexsort((rows["animal"], rows["cell"]))]
    read_rows = [(cell, *animal) for cell, each in found.items() for animal in sorted(each.animals)]
    assert np.array_equal(np.array(read_rows, ROW), rows)
    stated = {each.cell: CellRead(each.areas, [], each.relatives) for each in dataset.cells}
    nothing = CellRead((), [], ())
    assert {cell: each._replace(animals=[]) for cell, each in found.items()} == dict.fromkeys(found, nothing) | stated
    assert found.keys() == stated.keys() | set(rows["cell"].tolist())


def dataset_of(rows: Iterable[tuple[int, int, float, int]], cells: list[Cell]) -> Dataset:
    return Dataset("v1", cells, [np.array([*rows], ROW)])


weights = st.sampled_from([0.15, 0.5, 1.0])
ranges = st.dictionaries(
    st.tuples(st.sampled_from(CELLS), st.integers(1, 2**31 - 1)), st.tuples(weights, st.integers(1, 2))
)


@given(found=ranges, lives=st.lists(st.sets(st.integers(0, 300)), max_size=20))
def test_every_cell_is_read_as_it_was(found: dict[tuple[int, int], tuple[float, int]], lives: list[set[int]]) -> None:
    # GIVEN animals in some cells, and relatives in others, in the same order everywhere
    cells = [
        Cell(cell, coast=False, areas=("AU", "NZ")[: number % 3], relatives=tuple(sorted(here, reverse=True)))
        for number, (cell, here) in enumerate(zip(CELLS, lives, strict=False))
    ]
    # THEN
    expect_read(dataset_of([(*key, *value) for key, value in found.items()], cells))


def test_an_empty_dataset_has_no_cells() -> None:
    assert read(pack(Dataset("v1", [], [])))[1] == {}


@given(st.sets(st.integers(0, 60), min_size=1))
def test_runs_have_every_position_once(positions: set[int]) -> None:
    ((group, own),) = runs(np.array([*positions]) | 9 << BITS)
    count, *pairs = own.tolist()
    read_back, at = list[int](), 0
    for gap, more in zip(pairs[::2], pairs[1::2], strict=True):
        read_back += range(at + gap, at + gap + more + 1)
        at = read_back[-1] + 1
    assert (group, count, read_back) == (9, len(pairs) // 2, sorted(positions))


@pytest.mark.parametrize(("number", "expected"), [(0, "00"), (127, "7f"), (128, "8001"), (2**28, "8080808001")])
def test_small_numbers_take_few_bytes(number: int, expected: str) -> None:
    assert varints([number]).hex() == expected


@pytest.mark.alone  # computes the whole dataset
def test_the_whole_world_is_read_as_the_server_has_it() -> None:
    dataset = read_dataset()
    whole = Dataset(
        dataset.version, [*dataset.cells], [*dataset.cell_animals], unknown=dataset.unknown, animals=dataset.animals
    )
    expect_read(whole)
    assert len(pack(whole)) < 3_000_000

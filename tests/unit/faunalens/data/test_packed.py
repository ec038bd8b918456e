"""The packed ranges of the world: the page's reader gets what the server has of every cell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.location import cell_of, text_of
from faunalens.data.cell_animals import ROW, Cell
from faunalens.data.dataset import Dataset, read_dataset
from faunalens.data.packed import pack
from tests.unit.faunalens.web.page.node import run

CELLS = sorted({cell_of(latitude, longitude) for latitude in range(-80, 81, 20) for longitude in range(-170, 171, 20)})


def expect_read(dataset: Dataset, wanted: list[int]) -> None:
    """Compare what the page reads of some cells with a dataset, whose cells and rows are lists."""
    packed = np.frombuffer(pack(dataset), np.uint8)
    calls = (("offline/ranges.js", "livingIn", {"shared": "packed"}, text_of(cell)) for cell in wanted)
    stated = {each.cell: each for each in dataset.cells}
    rows = np.concatenate([np.empty(0, ROW), *dataset.cell_animals])
    for cell, found in zip(wanted, run(*calls, packed=packed), strict=True):
        here = stated.get(cell, Cell(cell, coast=False, areas=()))
        lives = np.sort(rows[rows["cell"] == cell], order="animal")
        assert found.pop("unknown") == [each.animal for each in dataset.unknown]
        assert [each["weight"] for each in found["animals"]] == pytest.approx(lives["weight"].tolist())
        assert [(each["id"], each["status"]) for each in found.pop("animals")] == lives[["animal", "status"]].tolist()
        assert found == {"relatives": [*here.relatives], "areas": [*here.areas], "version": dataset.version}


weights = st.sampled_from([0.15, 0.5, 1.0])
ranges = st.dictionaries(
    st.tuples(st.sampled_from(CELLS), st.integers(1, 2**31 - 1)), st.tuples(weights, st.integers(1, 2))
)


@given(found=ranges, lives=st.lists(st.sets(st.integers(0, 300)), max_size=20))
@settings(max_examples=6)
def test_every_cell_is_read_as_it_was(found: dict[tuple[int, int], tuple[float, int]], lives: list[set[int]]) -> None:
    # GIVEN animals in some cells, and relatives in others, in the same order everywhere
    cells = [
        Cell(cell, coast=False, areas=("AU", "NZ")[: number % 3], relatives=tuple(sorted(here, reverse=True)))
        for number, (cell, here) in enumerate(zip(CELLS, lives, strict=False))
    ]
    # THEN
    expect_read(Dataset("v1", cells, [np.array([(*key, *value) for key, value in found.items()], ROW)]), CELLS)


@pytest.mark.alone  # computes the whole dataset
def test_the_whole_world_is_read_as_the_server_has_it() -> None:
    dataset = read_dataset()
    whole = Dataset(dataset.version, [*dataset.cells], [*dataset.cell_animals], unknown=dataset.unknown)
    expect_read(whole, CELLS)
    assert len(pack(whole)) < 3_000_000

"""The cells and moments of simulated requests."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.spike.load import land_cells, zipf


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def test_cells_lie_on_land(tmp_path: Path, random: np.random.Generator) -> None:
    # GIVEN a list with two cells on land and one at sea
    path = tmp_path / "cell_areas.csv"
    path.write_text("cell,areas,coast\n830000fffffffff,,1\n830001fffffffff,RU SJ,1\n83be0afffffffff,AU,0\n")
    # THEN only those on land are drawn, and no more than there are
    assert sorted(land_cells(2, random, path).tolist()) == [0x830001FFFFFFFFF, 0x83BE0AFFFFFFFFF]
    with pytest.raises(ValueError, match=r"cell_areas.csv has 2 cells on land, fewer than the 3 requested"):
        land_cells(3, random, path)


def test_the_first_comes_twice_as_often_as_the_second(random: np.random.Generator) -> None:
    drawn = zipf(np.array([70, 50, 60]), 1.0, 60_000, random)
    counts = [np.count_nonzero(drawn == item) for item in (70, 50, 60)]
    assert counts[0] / counts[1] == pytest.approx(2.0, rel=0.05)
    assert counts[0] / counts[2] == pytest.approx(3.0, rel=0.05)

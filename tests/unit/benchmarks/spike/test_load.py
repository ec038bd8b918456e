"""The cells of simulated requests."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.spike.load import land_cells


def test_cells_lie_on_land_and_no_more_than_there_are_can_be_drawn(tmp_path: Path) -> None:
    # GIVEN a list with two cells on land and one at sea
    path, random = tmp_path / "cell_areas.csv", np.random.default_rng(7)
    path.write_text("cell,areas,coast\n830000fffffffff,,1\n830001fffffffff,RU SJ,1\n83be0afffffffff,AU,0\n")
    assert sorted(land_cells(2, random, path).tolist()) == [0x830001FFFFFFFFF, 0x83BE0AFFFFFFFFF]
    with pytest.raises(ValueError, match=r"cell_areas.csv has 2 cells on land, fewer than the 3 requested"):
        land_cells(3, random, path)

"""The file of cells: what the dataset says, for a machine without stores."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from chalicelib.config.features import FeaturePolicy
from chalicelib.config.settings import Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.deadline import Deadline
from cli.engines.cell_file import CellFile, NoCache, _write
from database.cell_animals import ROW, AnimalRow, Cell
from database.dataset import Dataset

HERE, SEA, NOWHERE = 590112357393367039, 590112494832320511, 590112769710227455


@pytest.fixture
def cells(tmp_path: Path) -> Iterator[CellFile]:
    """A file of two cells."""
    rows = np.array([(HERE, 3, 0.5, 1), (HERE, 7, 1.0, 2), (SEA, 9, 0.25, 1)], ROW)
    dataset = Dataset(
        "v1",
        cells=[Cell(HERE, coast=False, areas=("AU",), relatives=(5,))],
        cell_animals=[rows],
        unknown=[AnimalRow(11, "a-b", "ab", "A b", "species", "wild", ())],
    )
    path = tmp_path / "cells.sqlite"
    _write(path, dataset)
    assert list(tmp_path.iterdir()) == [path]
    with closing(CellFile(path, "v1")) as cells:
        yield cells


def test_a_cell_has_the_animals_of_the_dataset(cells: CellFile) -> None:
    here, sea, nowhere = cells.features_of([HERE, SEA, NOWHERE], Deadline.after(1))
    assert (here.areas, here.animals.tolist(), here.status.tolist()) == (("AU",), [3, 7], [1, 2])
    assert (here.weights.tolist(), here.relatives.tolist(), here.unknown.tolist()) == ([0.5, 1.0], [5], [11])
    assert (sea.areas, sea.animals.tolist()) == ((), [9])
    # THEN the dataset knows nothing of another cell, but which animals' ranges it does not know
    assert nowhere.is_empty
    assert (nowhere.cell, nowhere.unknown.tolist()) == (NOWHERE, [11])


def test_a_cell_is_looked_up_once(cells: CellFile) -> None:
    features = CellFeatures(NoCache(), cells, Settings(features=FeaturePolicy(fresh=1e6, version=1e6)).features)
    modes = [features.at(cell) for cell in (HERE, NOWHERE, HERE, HERE, NOWHERE)]
    assert [each.mode for each in modes] == ["narrowed", "unknown_area", "narrowed", "narrowed", "unknown_area"]
    assert not any(each.faults for each in modes)
    assert cells.lookups == 2

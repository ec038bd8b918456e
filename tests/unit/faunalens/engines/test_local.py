"""Identification in this process: the animals of its places, by a file, and how often they are asked for."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import ModelError, StoreError
from chalicelib.features.cell_features import CellFeatures
from chalicelib.location import cell_of
from faunalens.data.cell_animals import ROW, Cell
from faunalens.data.dataset import Dataset
from faunalens.data.taxa import AnimalRow
from faunalens.engines.local import CellFile, LocalEngine, NoCache, of_a_run, write_cells
from faunalens.study.identify import in_parallel
from tests.support import tiny_model
from tests.support.in_memory import InMemoryStore
from tests.unit.chalicelib.model.tiny_head import write_head

PHOTOS, STATIONS = 10_000, 20


def test_ten_thousand_photos_of_twenty_stations_make_twenty_queries() -> None:
    # GIVEN a slow store without a cache, and stations far from each other
    store = InMemoryStore()
    store.delay = 0.02
    features = CellFeatures(NoCache(), store, of_a_run(Settings()).features)
    latitudes = (-40.0 + 2 * (number // 4 % STATIONS) for number in range(PHOTOS))  # several photos of one at once
    # WHEN a run with four workers asks for the place of each photo
    modes = set(in_parallel(lambda each: features.at(cell_of(each, 140.0)).mode, latitudes, workers=4))
    # THEN each photo is narrowed, and each station is one query
    assert modes == {"narrowed"}
    assert len(store.queries) == len(set(store.queries)) == STATIONS


HERE, SEA, NOWHERE = 590112357393367039, 590112494832320511, 590112769710227455


@pytest.fixture
def cells(tmp_path: Path) -> CellFile:
    """A file of two cells."""
    rows = np.array([(HERE, 3, 0.5, 1), (HERE, 7, 1.0, 2), (SEA, 9, 0.25, 1)], ROW)
    dataset = Dataset(
        "v1",
        cells=[Cell(HERE, coast=False, areas=("AU",), relatives=(5,))],
        cell_animals=[rows],
        unknown=[AnimalRow(11, "a-b", "ab", "A b", "species", "wild", ())],
    )
    path = tmp_path / "cells.sqlite"
    write_cells(path, dataset)
    assert list(tmp_path.iterdir()) == [path]
    return CellFile(path, "v1")


def test_a_cell_has_the_animals_of_the_dataset(cells: CellFile) -> None:
    here, sea, nowhere = cells.features_of([HERE, SEA, NOWHERE], Deadline.after(1))
    assert (here.areas, here.animals.tolist(), here.status.tolist()) == (("AU",), [3, 7], [1, 2])
    assert (here.weights.tolist(), here.relatives.tolist(), here.unknown.tolist()) == ([0.5, 1.0], [5], [11])
    assert (sea.areas, sea.animals.tolist()) == ((), [9])
    # THEN the dataset knows nothing of another cell, but which animals' ranges it does not know
    assert nowhere.is_empty
    assert (nowhere.cell, nowhere.unknown.tolist()) == (NOWHERE, [11])


def test_a_file_that_is_gone_is_an_error_and_does_not_come_back_empty(cells: CellFile, tmp_path: Path) -> None:
    # GIVEN a cache that was cleared during a run
    (tmp_path / "cells.sqlite").unlink()
    # WHEN a cell is asked for THEN that is said, and no later run finds an empty file
    with pytest.raises(StoreError, match="cannot be read"):
        cells.features_of([HERE], Deadline.after(1))
    assert list(tmp_path.iterdir()) == []


def test_a_head_that_no_detector_gives_boxes_is_an_error_before_the_first_photo(tmp_path: Path) -> None:
    # GIVEN a model of one's own without a detector, and a folder with a head
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    settings = Settings(model=ModelSettings(path=path, packs=write_head(tmp_path / "mine", path).parent))
    stores = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none", "REDIS_URL": "redis://127.0.0.1:9"}
    # WHEN a run begins THEN the error says why no photo would use the head
    with pytest.raises(ModelError, match="a head scores boxes, but there is no detector"):
        LocalEngine.build(settings, stores, 5, lambda _: None)

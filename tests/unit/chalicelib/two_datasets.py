"""Services with a small model, and two datasets of which one is in shadow."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.config.settings import ModelSettings, Settings, Thresholds
from chalicelib.deadline import Deadline
from chalicelib.features.cache import BUCKETS, ROLLOUT, Rollout
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.codec import CellAnimals
from chalicelib.location import Location
from chalicelib.services import Services
from tests.support import tiny_model
from tests.support.in_memory import InMemoryCache, InMemoryStore
from tests.support.tiny_model import write_detector

FOX, FROG, HERE = 10, 20, Location(52.5, 13.4, "request")
IN_SHADOW = Rollout(2, "v1", "v2", BUCKETS, in_shadow=True)


class TwoDatasets(InMemoryStore):
    """A store in which a frog lives everywhere, and in the second dataset the animal `other` instead."""

    def __init__(self, other: int, rollout: Rollout = IN_SHADOW) -> None:
        super().__init__()
        self._other, self.rollout = other, rollout

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        animal = self._other if version == "v2" else FROG
        arrays = np.array([animal], np.int32), np.ones(1, np.float32), np.ones(1, np.uint8)
        found = super().features_of(cells, deadline, version)
        text = self.rollout.to_text()
        return [CellAnimals(each.cell, each.version, each.areas, *arrays, rollout=text) for each in found]


def services_in(
    folder: Path,
    store: InMemoryStore | None = None,
    *,
    detector: bool = False,
    boxes: bool = False,
    season_floor: float = 1.0,
    **groups: Any,
) -> Services:
    """Return services with a model that sees colours and looks once, a detector of colours, and stores in memory.

    `groups`: further groups of settings.
    """
    path = tiny_model.write(folder, tiny_model.tiny_model())
    if detector:
        write_detector(folder)
    model, thresholds = ModelSettings(path=path, boxes=boxes, second_look=False), Thresholds(season_floor=season_floor)
    settings = Settings(model=model, thresholds=thresholds, **groups)
    cache, store = InMemoryCache(), store or InMemoryStore()
    if isinstance(store, TwoDatasets):
        cache.put(ROLLOUT, store.rollout.to_text().encode())
    return Services.build(settings, CellFeatures(cache, store, settings.features))

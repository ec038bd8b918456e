"""An identification while a dataset is in shadow: answered by the active one, and compared."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chalicelib.config.settings import ModelSettings, Settings, Thresholds
from chalicelib.config.stores import RedisSettings
from chalicelib.features.cell_features import CellFeatures, Shadow, ShadowLookup
from chalicelib.features.codec import ROLLOUT, CellAnimals
from chalicelib.features.deadline import Deadline
from chalicelib.features.rollout import BUCKETS, Rollout
from chalicelib.identification import Identification, IdentifyRequest, ShadowComparison
from chalicelib.identify import identify
from chalicelib.location import Location
from chalicelib.services import Services
from chalicelib.telemetry.record import Record
from testing import tiny_model
from testing.in_memory import InMemoryCache, InMemoryStore
from testing.pictures import encoded

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


def identified(folder: Path, store: TwoDatasets) -> tuple[Identification, Record]:
    """Identify a photo that is as green as red."""
    path, cache = tiny_model.write(folder, tiny_model.tiny_model()), InMemoryCache()
    cache.put(ROLLOUT, store.rollout.to_text().encode())
    settings = Settings(
        model=ModelSettings(path=path, second_look=False),
        redis=RedisSettings(url="redis://127.0.0.1:9"),
        thresholds=Thresholds(rank=0.2),
    )
    services = Services.build(settings, CellFeatures(cache, store, settings.features))
    record = Record("r-1", "/identify")
    data = encoded(Image.new("RGB", (64, 64), (100, 100, 0)), "PNG")
    return identify([data], IdentifyRequest(HERE), services, record), record


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each lookup in shadow end before the photo is scored, however fast that is."""
    start = Shadow.start

    def start_and_wait(self: Shadow, cell: int) -> ShadowLookup | None:
        lookup = start(self, cell)
        with self._busy:
            return lookup

    monkeypatch.setattr(Shadow, "start", start_and_wait)


def test_another_answer_is_counted_and_not_given(tmp_path: Path) -> None:
    # GIVEN a dataset in shadow that would name another animal
    found, record = identified(tmp_path, TwoDatasets(FOX))
    # THEN the active one answers
    prediction = found.recognised.together.prediction
    assert prediction is not None
    assert (prediction.taxon.scientific_name, found.features.version) == ("Hyla arborea", "v1")
    # AND the difference is counted, and the log says what it would have been
    assert found.comparison == ShadowComparison("v2", is_done=True, taxon="Vulpes vulpes", differs=True)
    assert record.summary().metrics["ShadowDifferences"] == 1


def test_the_same_answer_is_a_comparison_without_a_difference(tmp_path: Path) -> None:
    found, _ = identified(tmp_path, TwoDatasets(FROG))
    assert found.comparison == ShadowComparison("v2", is_done=True, taxon="Hyla arborea", differs=False)


def test_what_could_not_be_looked_up_is_not_compared(tmp_path: Path) -> None:
    class Broken(TwoDatasets):
        def features_of(
            self, cells: Sequence[int], deadline: Deadline, version: str | None = None
        ) -> list[CellAnimals]:
            self.fault = "postgres_timeout" if version else None
            return super().features_of(cells, deadline, version)

    found, record = identified(tmp_path, Broken(FOX))
    # THEN the answer is as ever, and the metric says that there was no comparison
    assert (found.features.mode, found.comparison) == ("narrowed", ShadowComparison("v2"))
    metrics = record.summary().metrics
    assert (metrics["ShadowComparisons"], metrics["ShadowMisses"], metrics["ShadowDifferences"]) == (0, 1, 0)


def test_without_a_dataset_in_shadow_nothing_is_compared(tmp_path: Path) -> None:
    found, record = identified(tmp_path, TwoDatasets(FOX, Rollout(1, "v1")))
    assert found.comparison is None
    assert "ShadowComparisons" not in record.summary().metrics

"""A version in shadow: a dataset or a model sees photos too, what it says is compared, and no request waits."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Lock
from typing import Any

import pytest
from PIL import Image

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.deadline import Deadline
from chalicelib.errors import PhotoUnreadable
from chalicelib.features.cache import Rollout
from chalicelib.features.codec import CellAnimals
from chalicelib.identify import Identification, IdentifyRequest, identify
from chalicelib.lazy import Lazy
from chalicelib.model.taxonomy import Prediction, Taxon
from chalicelib.services import Services
from chalicelib.shadow import Candidate, compared
from chalicelib.telemetry.record import Notes, Record
from tests.support import tiny_model
from tests.support.pictures import encoded
from tests.unit.chalicelib.two_datasets import FOX, FROG, HERE, TwoDatasets, services_in

RATHER_RED = encoded(Image.new("RGB", (64, 64), (180, 148, 0)), "PNG")


class Watched:
    """Services with a version in shadow, and what was counted of it."""

    def __init__(self, services: Services, candidate: Settings | None = None) -> None:
        self.counted, self.busy = list[Notes](), Lock()
        self.services = services.with_shadow(candidate, self.counted.append, self.busy)

    def identify(self, photo: bytes = RATHER_RED) -> Identification:
        return identify([photo], IdentifyRequest(HERE), self.services, Record("r-1", "/identify"))

    def wait(self) -> Notes:
        """Wait until the thread has ended, which no request does, and return what it counted."""
        assert self.busy.acquire(timeout=5)
        self.busy.release()
        return self.counted[-1]


def answered(found: Identification) -> str:
    prediction = found.recognised.together.prediction
    assert prediction is not None
    return prediction.taxon.scientific_name


@pytest.mark.parametrize(
    ("other", "named", "result"), [(FOX, "Vulpes vulpes", "other"), (FROG, "Hyla arborea", "same")]
)
def test_another_answer_of_a_dataset_is_counted_and_not_given(
    tmp_path: Path, other: int, named: str, result: str
) -> None:
    # GIVEN a dataset in shadow that would name another animal, or the same
    watched = Watched(services_in(tmp_path, TwoDatasets(other)))
    found = watched.identify()
    # THEN the active one answers
    assert (answered(found), found.features.version) == ("Hyla arborea", "v1")
    # AND a difference is counted, and the line says what it would have been, and nothing of who asked
    counted = watched.wait()
    assert counted.metrics["ShadowDifferences"] == (result == "other")
    assert (counted.properties["shadow_result"], counted.properties["shadow_taxon"]) == (result, named)


def candidate(folder: Path, share: float = 1.0) -> Settings:
    """Settings of a model that knows the frog by another name."""
    folder.mkdir()
    path = tiny_model.write(folder, tiny_model.tiny_model())
    for file in (path.with_name("labels.csv"), path.with_name("taxa.csv")):
        file.write_text(file.read_text().replace("Hyla arborea", "Hyla orientalis"))
    variables = {"SHADOW_SHARE": str(share), "SHADOW_SETTINGS": f"MODEL_PATH={path} SECOND_LOOK=false"}
    made = Settings.from_environment(variables).candidate(variables)
    assert made is not None
    return made


def test_another_model_sees_the_photo_with_the_features_of_the_live_one(tmp_path: Path) -> None:
    # GIVEN a model in shadow for all photos, beside a dataset in shadow
    watched = Watched(services_in(tmp_path, TwoDatasets(FOX)), candidate(tmp_path / "new"))
    # THEN a photo is in one trial at a time
    assert answered(watched.identify()) == "Hyla arborea"
    counted = watched.wait()
    assert counted.properties["shadow_kind"] == "model"
    assert (counted.properties["live_taxon"], counted.properties["shadow_taxon"]) == ("Hyla arborea", "Hyla orientalis")
    assert (counted.metrics["ShadowComparisons"], counted.metrics["ShadowDifferences"]) == (1, 1)


def test_only_a_share_of_the_photos_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(services_in(tmp_path), candidate(tmp_path / "new", share=0.3))
    for drawn in (0.1, 0.29, 0.3, 0.9):
        monkeypatch.setattr("chalicelib.shadow.random", lambda drawn=drawn: drawn)
        watched.identify()
        watched.busy.acquire(timeout=5)
        watched.busy.release()
    assert len(watched.counted) == 2


def test_a_model_that_cannot_be_used_is_missed_and_harms_nothing(tmp_path: Path) -> None:
    broken = Settings(model=ModelSettings(path=tmp_path / "no.onnx"))
    watched = Watched(services_in(tmp_path))
    made = Candidate(Lazy(lambda: Services.build(broken).recogniser), 1.0)
    shadow = watched.services.shadow
    assert shadow is not None
    watched.services = watched.services._replace(shadow=shadow._replace(candidate=made))
    assert watched.identify().recognised
    assert watched.wait().metrics == {"ShadowComparisons": 0, "ShadowDifferences": 0}


def test_what_could_not_be_looked_up_is_not_compared(tmp_path: Path) -> None:
    class Broken(TwoDatasets):
        def features_of(
            self, cells: Sequence[int], deadline: Deadline, version: str | None = None
        ) -> list[CellAnimals]:
            self.fault = "postgres_timeout" if version else None
            return super().features_of(cells, deadline, version)

    watched = Watched(services_in(tmp_path, Broken(FOX)))
    # THEN the answer is as ever, and the metric says that there was no comparison
    assert watched.identify().features.mode == "narrowed"
    assert watched.wait().metrics["ShadowComparisons"] == 0


def test_without_a_trial_nothing_is_compared(tmp_path: Path) -> None:
    watched = Watched(services_in(tmp_path, TwoDatasets(FOX, Rollout(1, "v1"))))
    watched.identify()
    assert watched.counted == []
    assert Settings.from_environment({"SHADOW_SETTINGS": "BOXES=true"}).candidate({}) is None


def test_requests_go_on_while_it_works_and_one_photo_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a model in shadow that takes long
    watched, done = Watched(services_in(tmp_path), candidate(tmp_path / "new")), Event()
    shadow: Any = watched.services.shadow
    recogniser = shadow.candidate.recogniser.get()

    class Slow:
        models = recogniser.models

        def recognise(self, *given: Any, **boxes: bool) -> Any:
            assert done.wait(30)
            return recogniser.recognise(*given, **boxes)

    monkeypatch.setattr(type(shadow.candidate.recogniser), "get", lambda _: Slow())
    # WHEN two photos come THEN both are answered meanwhile, and the second is missed
    assert answered(watched.identify()) == answered(watched.identify())
    assert not done.is_set()
    assert [each.metrics["ShadowComparisons"] for each in watched.counted] == [0]
    # AND the first is compared in the end
    done.set()
    assert watched.wait().metrics["ShadowComparisons"] == 1


def test_a_request_that_fails_is_waited_for_briefly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.shadow.PATIENCE", 0.01)
    watched = Watched(services_in(tmp_path), candidate(tmp_path / "new"))

    def fail(*_: object, **__: object) -> None:
        raise PhotoUnreadable("requested by the test")

    monkeypatch.setattr(type(watched.services.recogniser), "recognise", fail)
    with pytest.raises(PhotoUnreadable):
        watched.identify()
    assert watched.busy.acquire(timeout=5)
    assert watched.counted == []


def named(*lineage: str, score: float = 0.9) -> Prediction:
    taxa = tuple(Taxon(each, each, "rank") for each in lineage)
    return Prediction(taxa[-1], score, taxa)


@pytest.mark.parametrize(
    ("live", "other", "result", "gain"),
    [
        (named("A", "B", score=0.9), named("A", "B", score=0.7), "same", -0.2),
        (named("A", "B"), named("A"), "wider", None),
        (named("A", "B"), None, "wider", None),
        (named("A"), named("A", "B"), "narrower", None),
        (None, named("A"), "narrower", None),
        (named("A", "B"), named("A", "C"), "other", None),
        (None, None, "same", None),
    ],
)
def test_answers_are_the_same_narrower_wider_or_other(
    live: Prediction | None, other: Prediction | None, result: str, gain: float | None
) -> None:
    assert compared(live, other) == (result, gain if gain is None else pytest.approx(gain))

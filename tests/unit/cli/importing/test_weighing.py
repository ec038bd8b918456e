"""What other models found as answers, without a place: of a photo, of a video."""

from pathlib import Path

import pytest

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.model.detector import Box
from chalicelib.services import build_recogniser
from cli.importing.predictions import Found, Predicted
from cli.importing.weighing import Weighing
from cli.study.finding import of_answer
from testing import tiny_model

FOX = "0;mammalia;carnivora;canidae;vulpes;vulpes;red fox"
ANIMAL = Box(0.1, 0.2, 0.3, 0.4, 0.9, "animal")
PERSON = Box(0.1, 0.2, 0.3, 0.4, 0.8, "person")


def no_features() -> CellFeatures:
    raise AssertionError("no place is asked for")


@pytest.fixture
def weighing(tmp_path: Path) -> Weighing:
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    return Weighing([FOX], build_recogniser(Settings(model=ModelSettings(path=path))), no_features, 1.0)


def test_classes_of_a_photo_are_those_of_its_surest_animal(weighing: Weighing) -> None:
    said = Predicted("a.jpg", {-1: Found(((ANIMAL, ()), (ANIMAL, ())), ((FOX, 0.95),))}, "", ("net", "1"))
    answer = weighing.answer(said, None, None, (100, 100))
    first, second = answer["animals"]
    assert (answer["prediction"]["name"], first["prediction"]["name"], second["prediction"]) == (
        "red fox",
        "red fox",
        None,
    )
    assert [each["name"] for each in answer["candidates"]] == ["red fox"]


def test_a_video_shows_what_any_frame_does(weighing: Weighing) -> None:
    # GIVEN a video with a person at its begin and an animal a second later
    frames = {0: Found(((PERSON, ()),)), 20: Found(((ANIMAL, ()),)), 40: Found(())}
    said = Predicted("a.mp4", frames, "", ("megadetector", "A"), rate=20.0, processed=(0, 20, 40))
    # WHEN it is answered THEN both are there, and the answer is one of a video
    answer = weighing.answer(said, None, None, (1, 1))
    assert answer["video"]["processed"] == [0, 20, 40]
    assert (answer["video"]["fps"], answer["video"]["duration"]) == (20.0, 2.0)
    assert {part.kind for part in of_answer(answer, "").each} == {"animal", "human"}

"""What other models found as answers, without a place: of a photo, of a video."""

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.model.detector import Box
from chalicelib.services import build_recogniser
from faunalens.importing.predictions import Detected, Predicted, Program
from faunalens.importing.weighing import Weighing, opinion_in, with_others
from faunalens.study.finding import of_answer
from tests.support import tiny_model

BEAR = "1;mammalia;carnivora;ursidae;ursus;americanus;american black bear"
FOX = "0;mammalia;carnivora;canidae;vulpes;vulpes;red fox"
ANIMAL = Box(0.1, 0.2, 0.3, 0.4, 0.9, "animal")
PERSON = Box(0.1, 0.2, 0.3, 0.4, 0.8, "person")


@pytest.fixture
def weighing(tmp_path: Path) -> Weighing:
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    recogniser = build_recogniser(Settings(model=ModelSettings(path=path)))
    return Weighing([FOX], recogniser, Mock(side_effect=AssertionError), 1.0)  # no place is asked for


def test_classes_of_a_photo_are_those_of_its_surest_animal(weighing: Weighing) -> None:
    said = Predicted("a.jpg", {-1: Detected(((ANIMAL, ()), (ANIMAL, ())), ((FOX, 0.95),))}, "", Program("net", "1"))
    answer = json.loads(weighing.answer(said, None, None)[0])
    shown = (answer, *answer["animals"])
    assert [each["prediction"] and each["prediction"]["name"] for each in shown] == ["red fox", "red fox", None]
    assert [each["name"] for each in answer["candidates"]] == ["red fox"]


def test_a_video_shows_what_any_frame_does(weighing: Weighing) -> None:
    # GIVEN a video with a person at its begin and an animal a second later
    frames = {0: Detected(((PERSON, ()),)), 20: Detected(((ANIMAL, ()),)), 40: Detected(())}
    said = Predicted("a.mp4", frames, "", Program("megadetector", "A"), rate=20.0)
    # WHEN it is answered THEN both are there, and the answer is one of a video
    answer = json.loads(weighing.answer(said, None, None)[0])
    video = answer["video"]
    assert (video["processed"], video["fps"], video["duration"]) == ([0, 20, 40], 20.0, 2.0)
    assert {part.kind for part in of_answer(answer, "").each} == {"animal", "human"}


@pytest.mark.parametrize(
    ("found", "theirs", "kind", "name", "score"),
    [
        (
            Detected((), ((FOX, 0.9),)),
            {"prediction": BEAR, "prediction_score": 0.5},
            "animal",
            "American black bear",
            0.5,
        ),
        (
            Detected(((ANIMAL, ((FOX, 0.4),)), (ANIMAL, ((BEAR, 0.8),)))),
            {},
            "animal",
            "American black bear",
            0.8,
        ),
        (Detected((), ((FOX, 0.9),)), {"prediction": FOX}, "animal", "red fox", 0.9),
        (Detected((), ((";;;;;;blank", 0.9),)), {}, "blank", None, 0.9),
    ],
)
def test_what_the_file_calls_a_photo_stays_beside_its_answer(
    weighing: Weighing, found: Detected, theirs: dict[str, object], kind: str, name: str | None, score: float
) -> None:
    # WHEN a photo is answered for THEN the opinion is what SpeciesNet decided, or else the likeliest class
    said = Predicted("a.jpg", {-1: found}, "", Program("net", "1"), theirs=theirs)
    text, opinion = weighing.answer(said, None, None)
    assert opinion is not None
    assert (opinion["by"], opinion["kind"], opinion.get("name"), opinion["score"]) == ("net 1", kind, name, score)
    # THEN the answer is read with it
    (other,) = of_answer(json.loads(with_others(text, [opinion])), "").others
    assert (other.by, other.kind, other.named and other.named.name) == ("net 1", kind, name)


def test_boxes_alone_are_no_opinion_and_have_no_names(weighing: Weighing) -> None:
    said = Predicted("a.jpg", {-1: Detected(((ANIMAL, ()), (PERSON, ())))}, "", Program("megadetector", "A"))
    text, opinion = weighing.answer(said, None, None)
    assert (opinion, with_others(text, [])) == (None, text)
    animal = {"name": "animal", "scientific_name": "Animalia", "rank": "kingdom"}
    assert opinion_in(text) == {"by": "megadetector A", "kind": "animal", "score": 0.9, **animal}
    answer = json.loads(text)
    assert (answer["subject"], answer["prediction"], answer["candidates"]) == ("animal", None, [])
    assert (answer["people"]["count"], answer["model"]["version"]) == (1, "A")

"""Many photos are weighed by other processes."""

import json
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from chalicelib.config.settings import ModelSettings, Settings
from chalicelib.errors import ModelError
from chalicelib.model.detector import Box
from cli.importing.machine_answers import _Asked, _begin, _weighed
from cli.importing.predictions import Found, Predicted
from cli.place import EXIF
from cli.results import FileFacts
from tests.support import tiny_model

FOX = "0;mammalia;carnivora;canidae;vulpes;vulpes;red fox"
ANIMAL = Box(0.1, 0.2, 0.3, 0.4, 0.9, "animal")


def test_other_processes_give_the_same_answers_in_the_same_order(tmp_path: Path) -> None:
    # GIVEN photos in batches
    settings = Settings(model=ModelSettings(path=tiny_model.write(tmp_path, tiny_model.tiny_model()), threads=1))
    begin = partial(_begin, [FOX], settings, {})
    asked = [[_photo(score) for score in some] for some in ((0.9, 0.3), (0.6,), (0.8, 0.5), (0.7,))]

    def answers(workers: int) -> list[Any]:
        found = [json.loads(text) for _, some in _weighed(asked, begin, workers) for text, _ in some]
        return [each | {"request_id": ""} for each in found]

    # WHEN another process weighs them THEN they are answered as this one does
    here = answers(0)
    assert [each["candidates"][0]["vision_score"] for each in here] == [0.9, 0.3, 0.6, 0.8, 0.5, 0.7]
    assert answers(1) == here


def test_models_that_cannot_be_loaded_are_an_error_of_their_own_in_another_process_too(tmp_path: Path) -> None:
    # GIVEN a folder without a model WHEN another process shall weigh THEN its error says what is missing
    begin = partial(_begin, [FOX], Settings(model=ModelSettings(path=tmp_path / "none.onnx", threads=1)), {})
    with pytest.raises(ModelError):
        list(_weighed([[_photo(0.9)]], begin, workers=1))


def _photo(score: float) -> _Asked:
    said = Predicted("a.jpg", {-1: Found(((ANIMAL, ((FOX, score),)),))}, "", ("net", "1"))
    return _Asked(said, cast("Any", {"shift": 0.0}), EXIF, FileFacts(width=1, height=1))

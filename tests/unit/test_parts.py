"""Parts: built from the settings, or told why not."""

from pathlib import Path

import pytest
from onnx import ModelProto

from chalicelib.errors import ModelError
from chalicelib.parts import Parts
from chalicelib.settings import Settings
from tests import tiny_model


def settings_in(folder: Path, labels: str = tiny_model.LABELS, model: ModelProto | None = None) -> Settings:
    path = tiny_model.write(folder, model or tiny_model.tiny_model(), labels)
    return Settings(model_path=path, redis_url="redis://127.0.0.1:9")


def test_another_model_is_taken_with_its_labels(tmp_path: Path) -> None:
    parts = Parts.build(settings_in(tmp_path))
    assert [animal.name for animal in parts.taxonomy.animals] == ["red fox", "tree frog", "dog"]
    assert parts.model.animals == 3


def test_labels_of_another_length_are_told_at_the_start(tmp_path: Path) -> None:
    # GIVEN a model of three animals and labels of two
    labels = "".join(tiny_model.LABELS.splitlines(keepends=True)[:3])
    # WHEN built; THEN it says so, before any request has to
    with pytest.raises(ModelError, match=r"tiny\.onnx knows 3 animals, labels\.csv has 2 rows"):
        Parts.build(settings_in(tmp_path, labels))


def test_health_is_down_with_a_model_that_fails_when_it_is_run(tmp_path: Path) -> None:
    # GIVEN a model that is loaded and cannot be run
    parts = Parts.build(settings_in(tmp_path, model=tiny_model.failing_model()))
    # WHEN asked for health; THEN it is told that nothing can be identified, whatever stores do
    health = parts.health("r-1", deep=False)
    assert (health.status, health.model.state, health.model.detail) == ("down", "failing", "failed")

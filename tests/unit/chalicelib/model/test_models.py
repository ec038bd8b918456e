"""All models: packs score only photos of their taxa, and several photos of one animal give one answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.models import FusedScores, Models
from chalicelib.model.packs import Outside
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Relatives, Taxonomy
from tests.support import tiny_model
from tests.support.tiny_model import write_pack

FLOOR = 0.02
SIDE = tiny_model.SIZE


def square(*colour: int) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


RED, GREEN, BLUE = square(220, 20, 20), square(20, 220, 20), square(20, 20, 220)


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """A general model that knows red fox, tree frog and dog by colour, and a pack of red and Arctic foxes."""
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    write_pack(tmp_path)
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    return Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1)


def score(models: Models, *photos: NDArray[np.uint8]) -> FusedScores:
    """Return the scores of one animal from all of its photos."""
    return models.fuse([models.score(photo) for photo in photos])


def names(models: Models, photo: NDArray[np.uint8]) -> list[str]:
    return [run.pack.name for run in score(models, photo).packs]


def test_a_pack_scores_photos_of_its_taxa_only(models: Models) -> None:
    # GIVEN a pack of mammals; WHEN a frog and a fox come; THEN it loads and looks only for the fox
    assert names(models, GREEN) == []
    assert not models.packs[0].is_loaded
    assert names(models, RED) == ["foxes"]
    assert models.packs[0].is_loaded


def test_packs_of_another_folder_score_too(tmp_path: Path) -> None:
    # GIVEN a model without packs of its own, and a pack elsewhere
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    (tmp_path / "disk").mkdir()
    outside = Outside(write_pack(tmp_path / "disk").parent, Relatives(tmp_path / "relatives.csv"))
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    models = Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1, outside=outside)
    # THEN it scores photos of its taxa, and its taxa have the general model's names
    assert names(models, RED) == ["foxes"]
    assert "carnivore" in {taxon.name for taxon in models.packs[0].animals[0].lineage}
    # THEN no two packs have one name
    write_pack(tmp_path)
    again = Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1, outside=outside)
    with pytest.raises(ModelError, match="has a pack named foxes, as the model has; give its files another name"):
        _ = again.packs


def test_scores_that_are_not_finite_are_an_error(models: Models) -> None:
    # GIVEN a model whose scores of a photo are not numbers; THEN the error names it, and what checks it
    photo = models.score(GREEN)
    photo.general = replace(photo.general, vision=np.full(3, np.nan, np.float32))
    with pytest.raises(ModelError, match=r"scores of \w+ are not finite; expected .*model check"):
        models.fuse([photo])


def test_scores_of_a_pack_and_the_general_model_add_up_to_one(models: Models) -> None:
    scores = score(models, BLUE)
    assert [each.name for each in scores.taxonomy.animals] == ["red fox", "tree frog", "dog", "Arctic fox"]
    assert scores.vision.sum() == pytest.approx(1)
    assert scores.probabilities.tolist() == pytest.approx(scores.vision.tolist())
    assert scores.packs[0].milliseconds > 0


def test_the_animal_of_most_photos_wins(models: Models) -> None:
    # GIVEN two photos of a fox and one of a frog
    together = score(models, RED, RED, GREEN)
    assert together.likeliest(1)[0].name == "red fox"
    assert together.probabilities.sum() == pytest.approx(1)


def test_everything_has_the_animals_of_all_packs(models: Models) -> None:
    assert len(models.everything().animals) == 4
    assert [model.name for model in models.knowing("vulpes-vulpes")] == ["tiny", "foxes"]
    assert [model.name for model in models.knowing("vulpes-lagopus")] == ["foxes"]
    assert models.knowing("felis-catus") == []


def test_labels_of_another_length_are_an_error(tmp_path: Path) -> None:
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    other = Taxonomy.of(taxonomy.animals[:2])
    with pytest.raises(ModelError, match=r"tiny\.onnx has 3 animals, labels\.csv has 2 rows"):
        Models(Model(path), other, tmp_path, FLOOR)

"""Packs of another folder: where their animals live, whatever the ids in their labels."""

from pathlib import Path

import numpy as np
import pytest

from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.models import Models
from chalicelib.model.packs import FIRST, Outside, id_of
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import LARGEST_ID, Taxonomy
from tests.support import tiny_model
from tests.support.tiny_model import PACK_LABELS, write_pack

RELATIVES = """number,taxon,scientific_name,name,genus,family,order,class
4,vulpes-lagopus,Vulpes lagopus,Arctic fox,Vulpes,Canidae,Carnivora,Mammalia
"""
FLOOR = 0.02
FOX = 10
"""The id of the red fox in the general model."""


@pytest.fixture
def models(tmp_path: Path) -> Models:
    """A model that knows the red fox, and an outside pack that knows the Arctic fox too, by an id of another animal."""
    path = tiny_model.write(tmp_path, tiny_model.tiny_model())
    (tmp_path / "relatives.csv").write_text(RELATIVES)
    (tmp_path / "disk").mkdir()
    labels = PACK_LABELS.replace(",10,vulpes-vulpes", ",77,vulpes-vulpes").replace(
        ",3,vulpes-lagopus", ",20,vulpes-lagopus"
    )
    folder = write_pack(tmp_path / "disk", labels=labels).parent
    taxonomy = Taxonomy.read(tmp_path / "labels.csv", tmp_path / "taxa.csv")
    outside = Outside(folder, Relatives(tmp_path / "relatives.csv"))
    return Models(Model(path, threads=1), taxonomy, tmp_path, FLOOR, threads=1, outside=outside)


def here(*relatives: int) -> Features:
    found = NO_ANIMALS._replace(
        areas=("IS",),
        animals=np.array([FOX], np.int32),
        weights=np.array([0.5], np.float32),
        status=np.array([1], np.uint8),
        relatives=np.array(relatives, np.uint16),
    )
    return Features("narrowed", "miss", found)


def weights(models: Models, features: Features) -> dict[str, float]:
    taxonomy = models.everything()
    prior = models.prior_at(features).over(taxonomy).tolist()
    return dict(zip((each.name for each in taxonomy.animals), prior, strict=True))


def test_a_relative_lives_where_range_data_has_it(models: Models) -> None:
    assert weights(models, here(4))["Arctic fox"] == 1.0
    assert weights(models, here())["Arctic fox"] == pytest.approx(FLOOR)


def test_a_species_of_the_release_keeps_its_range(models: Models) -> None:
    found = weights(models, here(4))
    assert found["red fox"] == 0.5
    # THEN an id that the pack uses otherwise changes no other animal
    assert found["tree frog"] == pytest.approx(FLOOR)
    fox, arctic = models.packs[0].animals
    assert (fox.id, arctic.id) == (FOX, id_of("vulpes-lagopus"))


def test_a_species_without_any_range_is_not_weighed_down(models: Models, tmp_path: Path) -> None:
    (tmp_path / "relatives.csv").write_text(RELATIVES.splitlines()[0] + "\n")
    assert weights(models, here())["Arctic fox"] == 1.0
    prior = models.prior_at(here())
    assert prior.here(models.packs[0].animals[1]) == "unknown"


def test_without_a_place_nothing_changes(models: Models) -> None:
    assert models.prior_at(NO_LOCATION).features is NO_LOCATION


def test_ids_made_of_names_fit_into_the_store() -> None:
    assert all(FIRST <= id_of(str(number)) <= LARGEST_ID for number in range(1000))


def test_a_large_pack_has_its_memory_and_is_loaded_before_the_first_photo(models: Models) -> None:
    # GIVEN a pack whose weights lie in a file of their own, as those of large models do
    (pack,) = models.packs
    with pack.manifest.model.with_suffix(".onnx.data").open("wb") as file:
        file.truncate(150_000_000)
    # THEN it may take twice its size while it is loaded
    assert 300_000_000 < models.outside_bytes < 301_000_000
    assert not pack.is_loaded
    models.load_outside()
    assert pack.is_loaded

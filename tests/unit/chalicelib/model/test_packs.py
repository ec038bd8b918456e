"""Packs: labels that sum outputs into species, lazy and thread-safe loading, and the part of the photo they see."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import load, save_model

from chalicelib.errors import ModelError
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.manifest import Manifest, read_manifests
from chalicelib.model.models import Models
from chalicelib.model.packs import FIRST, Outside, Pack, PackLabels, id_of, resized
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import LARGEST_ID, Relatives, Taxonomy
from tests.support import tiny_model
from tests.support.tiny_model import PACK_LABELS, PACK_MANIFEST, tiny_pack_model, write_detector, write_pack

RED = np.full((64, 64, 3), (220, 20, 20), np.uint8)
BLUE = np.full((64, 64, 3), (20, 20, 220), np.uint8)


def pack_in(folder: Path, **changes: Any) -> Pack:
    return Pack(Manifest.read(write_pack(folder, **changes)), threads=1)


def test_outputs_of_one_species_are_summed(tmp_path: Path) -> None:
    # GIVEN a pack with two outputs for the Arctic fox
    pack = pack_in(tmp_path)
    # WHEN it scores a photo of an Arctic fox in winter THEN there is a score for each species, and they add up to 1
    scores = pack.score(BLUE)
    assert [animal.taxon_id for animal in pack.animals] == ["vulpes-vulpes", "vulpes-lagopus"]
    assert scores.dtype == np.float32
    assert scores.shape == (2,)
    assert scores.sum() == pytest.approx(1)
    assert scores[1] > 0.99
    assert pack.score(RED)[0] > 0.99


def test_animals_have_their_place_in_the_tree(tmp_path: Path) -> None:
    # GIVEN labels, and names of a family and a genus; WHEN they are read
    (_, arctic) = pack_in(tmp_path).animals
    # THEN a taxon without a common name has its scientific name, and the animal its own
    assert (arctic.id, arctic.output_index, arctic.kind) == (3, 1, "wild")
    names = ["Chordata", "Mammalia", "Carnivora", "dog or fox", "fox", "Arctic fox"]
    assert [taxon.name for taxon in arctic.lineage] == names
    assert [taxon.rank for taxon in arctic.lineage][-2:] == ["genus", "species"]
    # AND names of the general model come first
    (tmp_path / "taxa.csv").write_text("scientific_name,rank,name\nVulpes,genus,true fox\n")
    assert [taxon.name for taxon in pack_in(tmp_path).animals[0].lineage][-2] == "true fox"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n1,summer", "\n5,summer", "output_index in foxes.csv is '5'; expected 1, one row per output"),
        ("2,winter,3", "2,winter,4", "foxes.csv has different rows for vulpes-lagopus"),
        ("2,winter,3,vulpes-lagopus", "2,winter,3,vulpes-corsac", "one id for two taxa"),
        ("0,red,10", "0,red,ten", "id of 'red fox' in foxes.csv is 'ten'; expected a whole number"),
        ("species,wild", "species,tame", "kind of 'red fox' in foxes.csv is 'tame'; expected one of wild"),
        (PACK_LABELS, PACK_LABELS.splitlines()[0], "foxes.csv has no rows"),
        ("output_index,label", "index,label", "foxes.csv has the columns index,label"),
    ],
)
def test_faulty_labels_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in PACK_LABELS
    path = write_pack(tmp_path, labels=PACK_LABELS.replace(old, new))
    with pytest.raises(ModelError, match=message):
        PackLabels.read(path.with_name("foxes.csv"))


def test_a_pack_sees_its_crop_of_the_photo() -> None:
    # GIVEN the image of a general model, 288 px, which shows 0.9 of the short side, with a frame of 20 px
    square = np.zeros((288, 288, 3), np.uint8)
    square[20:-20, 20:-20] = 255
    # WHEN packs look at 0.7 of the short side (224 px of it), at 0.9, and at all
    inside, all_of_it, more = (
        resized(square, Manifest(Path("x.toml"), "classifier", True, "", "", None, Path("x"), 56, crop=crop))
        for crop in (0.7, 0.9, 1.0)
    )
    # THEN the first sees no frame, and none sees more than there is
    assert inside.shape == (56, 56, 3)
    assert inside.min() == 255
    assert all_of_it.min() == 0
    assert np.array_equal(all_of_it, more)


def test_only_packs_that_are_built_and_enabled_are_read(tmp_path: Path) -> None:
    # GIVEN a pack that is built, one that is off, and one without its model
    write_pack(tmp_path)
    write_pack(tmp_path, name="off", manifest=PACK_MANIFEST.replace("true", "false"))
    write_pack(tmp_path, name="unbuilt").with_suffix(".onnx").unlink()
    # WHEN the folder is read; THEN the first is there, AND a model without packs has none
    (pack,) = map(Pack, read_manifests(tmp_path / "packs"))
    assert (pack.name, pack.taxa, pack.gate, pack.is_loaded) == ("foxes", ("Mammalia",), 0.5, False)
    assert len(pack.version) == 12
    assert [*read_manifests(tmp_path / "none")] == []


def test_reading_packs_and_the_detector_does_not_import_onnxruntime(tmp_path: Path) -> None:
    # GIVEN a fresh interpreter WHEN it reads both; THEN a start pays for no session
    write_pack(tmp_path)
    write_detector(tmp_path)
    program = (
        "import sys; from pathlib import Path; from chalicelib.model.detector import read_detectors\n"
        "from chalicelib.model.packs import Pack; from chalicelib.model.manifest import Manifest\n"
        f"packs = Path({str(tmp_path / 'packs')!r}); detector = read_detectors(packs, 'never').general\n"
        "print(Pack(Manifest.read(packs / 'foxes.toml')).name, detector.name, 'onnxruntime' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["foxes", "colours", "False"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"labels": "\n".join(PACK_LABELS.splitlines()[:2])},
            r"pack foxes gives outputs of shape \(1, 3\); expected \(1, 1\)",
        ),
        ({"model": tiny_pack_model(shape=("N", 9, 9, 3))}, "inference with pack foxes failed: "),
        ({}, r"foxes\.onnx cannot be read .*run `make setup`, which builds the packs"),
    ],
    ids=["more outputs than labels", "a model for images of another size", "no file"],
)
def test_a_model_that_does_not_fit_or_is_gone_is_an_error(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    pack = pack_in(tmp_path, **changes)
    if not changes:
        (tmp_path / "packs" / "foxes.onnx").unlink()
    with pytest.raises(ModelError, match=message):
        pack.score(RED)


# --- packs of another folder


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
    labels = PACK_LABELS.replace("10,vulpes-vulpes", "77,vulpes-vulpes").replace("3,vulpes-l", "20,vulpes-l")
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


def test_a_folder_that_is_named_and_has_no_pack_is_an_error(tmp_path: Path) -> None:
    for folder in (tmp_path / "gone", tmp_path):
        with pytest.raises(ModelError, match=rf"no pack is .* in {folder} \(PACKS_PATH or --pack\); .* NAME\.onnx"):
            _ = Outside(folder, Relatives(tmp_path / "relatives.csv")).manifests


def test_a_relative_lives_where_range_data_has_it_and_a_species_of_the_release_keeps_its_range(models: Models) -> None:
    assert weights(models, here())["Arctic fox"] == pytest.approx(FLOOR)
    found = weights(models, here(4))
    assert (found["Arctic fox"], found["red fox"]) == (1.0, 0.5)
    # AND an id that the pack uses otherwise changes no other animal
    assert found["tree frog"] == pytest.approx(FLOOR)
    fox, arctic = models.packs[0].animals
    assert (fox.id, arctic.id) == (FOX, id_of("vulpes-lagopus"))
    assert all(FIRST <= id_of(str(number)) <= LARGEST_ID for number in range(1000))  # as the store takes them
    # AND without a place nothing changes
    assert models.prior_at(NO_LOCATION).features is NO_LOCATION


def test_a_species_without_any_range_is_not_weighed_down(models: Models, tmp_path: Path) -> None:
    (tmp_path / "relatives.csv").write_text(RELATIVES.splitlines()[0] + "\n")
    assert weights(models, here())["Arctic fox"] == 1.0
    prior = models.prior_at(here())
    assert prior.here(models.packs[0].animals[1]) == "unknown"


def test_a_large_pack_has_its_memory_and_is_loaded_before_the_first_photo(models: Models) -> None:
    # GIVEN a pack whose weights lie in a file of their own, as those of large models do
    (pack,) = models.packs
    weights = pack.manifest.model.with_name("weights.bin")
    save_model(
        load(pack.manifest.model),
        pack.manifest.model,
        save_as_external_data=True,
        location=weights.name,
        size_threshold=0,
    )
    with weights.open("ab") as file:
        file.truncate(150_000_000)
    # THEN it may take twice its size while it is loaded
    assert 300_000_000 < models.outside_bytes < 301_000_000
    assert not pack.is_loaded
    models.load_outside()
    assert pack.is_loaded

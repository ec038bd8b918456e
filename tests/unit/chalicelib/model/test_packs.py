"""Packs: labels that sum outputs into species, lazy and thread-safe loading, and the part of the photo they see."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.errors import ModelError
from chalicelib.model.manifest import Manifest, read_manifests
from chalicelib.model.packs import Pack, PackLabels, resized
from tests.support.tiny_model import PACK_LABELS, PACK_MANIFEST, tiny_pack_model, write_detector, write_pack

RED = np.full((64, 64, 3), (220, 20, 20), np.uint8)
BLUE = np.full((64, 64, 3), (20, 20, 220), np.uint8)


def pack_in(folder: Path, **changes: Any) -> Pack:
    return Pack(Manifest.read(write_pack(folder, **changes)), threads=1)


def test_outputs_of_one_species_are_summed(tmp_path: Path) -> None:
    # GIVEN a pack with two outputs for the Arctic fox
    pack = pack_in(tmp_path)
    # WHEN it scores a photo of an Arctic fox in winter
    scores = pack.score(BLUE)
    # THEN there is a score for each species, and they add up to 1
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


def test_names_of_the_general_model_come_first(tmp_path: Path) -> None:
    # GIVEN a name of the genus in the general model's taxa.csv too
    (tmp_path / "taxa.csv").write_text("scientific_name,rank,name\nVulpes,genus,true fox\n")
    assert [taxon.name for taxon in pack_in(tmp_path).animals[0].lineage][-2] == "true fox"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\n1,summer", "\n5,summer", "output_index in foxes.csv is '5'; expected 1, one row per output"),
        ("2,winter,3", "2,winter,4", "foxes.csv describes vulpes-lagopus in two ways"),
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


def test_a_model_that_does_not_fit_its_labels_is_an_error(tmp_path: Path) -> None:
    pack = pack_in(tmp_path, labels="\n".join(PACK_LABELS.splitlines()[:2]) + "\n")
    with pytest.raises(ModelError, match=r"pack foxes gives outputs of shape \(1, 3\); expected \(1, 1\)"):
        pack.score(RED)


def test_inference_that_fails_is_an_error(tmp_path: Path) -> None:
    # GIVEN a model for images of another size; WHEN it runs; THEN the error names the pack
    pack = pack_in(tmp_path, model=tiny_pack_model(shape=("N", 9, 9, 3)))
    with pytest.raises(ModelError, match="inference with pack foxes failed: "):
        pack.score(RED)


def test_a_pack_whose_file_is_gone_says_what_to_do(tmp_path: Path) -> None:
    pack = pack_in(tmp_path)
    (tmp_path / "packs" / "foxes.onnx").unlink()
    with pytest.raises(ModelError, match=r"foxes\.onnx cannot be read .*run `make setup`, which builds the packs"):
        pack.score(RED)

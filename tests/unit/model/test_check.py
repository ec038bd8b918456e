"""Check of a model: one that fits passes, and each problem of one that does not is named."""

import hashlib
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from chalicelib.config.settings import ROOT
from chalicelib.model.manifest import Manifest
from chalicelib.model.packs import Pack, PackLabels
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import RANKS
from faunalens.data.dataset_files import files_beside, read_rows
from model.check import find_pack_problems, find_problems, main
from tests.support import tiny_model
from tests.support.tiny_model import LABELS, PACK_LABELS, PACK_MANIFEST, SIZE, write, write_pack
from tests.unit.chalicelib.model.tiny_head import write_head

DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "model.md"


def problems(folder: Path, labels: str = LABELS, **changes: Any) -> list[str]:
    path = write(folder, tiny_model.tiny_model(**changes), labels)
    return find_problems(path, folder / "labels.csv", folder / "taxa.csv")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"probabilities": ("Mul", ["vision_probabilities", "prior"])}, "output probabilities is wrong; expected"),
        ({"vision_probabilities": ("Identity", ["logits"])}, "output vision_probabilities adds up to"),
        ({"logits": ("Mul", ["colours", "prior"])}, "the prior changes output vision_probabilities"),
        ({"logits": ("Sub", ["colours", "colours"])}, "another photo gives the same probabilities"),
        ({"positive": ("Add", ["prior", "gain"])}, "a prior of 1e-12 for all animals|× prior"),
        ({"weights": ("Neg", ["positive"])}, "output probabilities is wrong; expected vision_probabilities × prior"),
        ({"features": ("Exp", ["colours"])}, "output features has infinite or NaN values; expected numbers"),
        ({"animal_probability": ("ReduceMax", ["colours"])}, "animal_probability is .* expected a value from 0 to 1"),
    ],
)
def test_faults_of_a_model_are_named(tmp_path: Path, nodes: dict[str, tuple[str, list[str]]], message: str) -> None:
    # GIVEN a graph of the right form that computes one thing otherwise; THEN the check says what
    found = problems(tmp_path, nodes=nodes)
    assert any(re.search(message, each) for each in found), found


def without_last_row(labels: str) -> str:
    return "\n".join(labels.splitlines()[:-1]) + "\n"


def test_labels_that_are_more_or_fewer_than_outputs_are_named(tmp_path: Path) -> None:
    message = "tiny.onnx has 3 probabilities, but labels.csv has 2 rows; expected one row per probability"
    assert problems(tmp_path, without_last_row(LABELS)) == [message]
    found = pack_problems(tmp_path, labels=without_last_row(PACK_LABELS))
    assert any("expected N × 2, one for each row of foxes.csv" in each for each in found), found


def test_problems_of_file_and_labels_are_named_one_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a model that is loaded and cannot be run WHEN checked THEN it fails with a sentence
    path = write(tmp_path, tiny_model.failing_model())
    assert main([str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("inference with tiny.onnx failed: ")
    # GIVEN a file that is no model, with labels of other columns THEN both are named
    path.with_name("labels.csv").write_text("name\n")
    path.write_bytes(b"no model")
    assert main([str(path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "onnxruntime cannot load" in lines[0]
    assert "labels.csv has the columns name" in lines[1]


def test_faults_of_optional_tables_are_named_before_the_first_photo_is(tmp_path: Path) -> None:
    # GIVEN a model that fits, and tables beside it that the app could not read
    for name in ("relatives.csv", "families.csv", "members.csv", "certainty.json"):
        (tmp_path / name).write_text("a,b\n")
    # WHEN it is checked THEN each is named
    found = problems(tmp_path)
    assert [each.split()[0] for each in found] == ["relatives.csv", "families.csv", "members.csv", "certainty.json"]


def test_a_misspelt_taxon_of_a_range_is_named(tmp_path: Path) -> None:
    # GIVEN ranges of an animal, of an animal of a pack, of one that the release has, and of none
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "own.csv").write_text("output_index,taxon\n0,aves-nova\n")
    taxa = ("vulpes-vulpes", "aves-nova", "tinca-tinca", "vulpes-vulpse")
    (tmp_path / "ranges.csv").write_text("\ufefftaxon,areas\n" + "".join(f"{each},FR\n" for each in taxa), "utf-8")
    # WHEN the model is checked THEN the last is named, with what to do: places would do nothing for the fox
    assert problems(tmp_path) == [
        "ranges.csv has the taxon 'vulpes-vulpse', which no animal has; write it as in labels.csv, or omit it"
    ]


def test_links_as_in_the_docs_put_a_model_and_its_animals_into_the_package(tmp_path: Path) -> None:
    # GIVEN the project's links, and another model, with the commands in docs/how-to/model.md
    vendor = tmp_path / "vendor" / "model"
    shutil.copytree(DOCS.parents[2] / "vendor" / "model", vendor, symlinks=True)
    own = tmp_path / "my"
    own.mkdir()
    write(own, tiny_model.tiny_model()).rename(own / "colours.onnx")
    text = DOCS.read_text(encoding="utf-8")
    commands = re.findall(r"^ +((?:echo|printf|ln|for) .*my/.*)$", text, re.MULTILINE)
    assert len(commands) == 3
    # WHEN they are run
    subprocess.run(["sh", "-euc", "\n".join(commands)], cwd=tmp_path, check=True)
    # THEN what is packed fits, and all that is known of its animals lies beside it
    assert main([str(vendor / "faunalens.onnx")]) == 0
    found = files_beside(vendor / "faunalens.onnx")
    assert found.keys() == {"labels", "taxa", "ranges"}
    assert {path.resolve().parent for path in found.values()} == {own}


# --- packs


PACKS = ROOT / "model" / "packs"
CLASSIFIERS = ("birds", "insects")
GENERAL = LABELS.replace("Mammalia,,Canidae", "Mammalia,Carnivora,Canidae")


def pack_problems(folder: Path, **changes: Any) -> list[str]:
    return find_pack_problems(write_pack(folder, **changes))


def test_the_example_in_the_docs_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN both examples of docs/how-to/model.md: a model, and a pack behind it
    monkeypatch.chdir(tmp_path)
    for example in ("colours", "foxes"):
        runpy.run_path(str(ROOT / "docs" / "examples" / f"{example}.py"))

    # WHEN they are checked as the docs say; THEN they fit, and the model scores a red photo as the red animal
    assert main(["colours.onnx"]) == main(["packs/foxes.toml"]) == 0
    said = capsys.readouterr().out
    assert "colours.onnx meets" in said
    assert "pack foxes meets" in said
    model = Model(Path("colours.onnx"), threads=1)
    red = np.full((model.input_size, model.input_size, 3), (250, 20, 0), np.uint8)
    assert model.score(red, np.ones(model.animals, np.float32)).probabilities.argmax() == 0
    # AND the pack has learnt to tell the foxes apart
    pack = Pack(Manifest.read(Path("packs/foxes.toml")), threads=1)
    for colour, taxon in (((180, 90, 40), "vulpes-vulpes"), ((240, 240, 245), "vulpes-lagopus")):
        scores = pack.score(np.full((64, 64, 3), colour, np.uint8))
        assert pack.animals[int(scores.argmax())].taxon_id == taxon
        assert scores.max() > 0.9


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"shape": ("N", 9, 9, 3)}, r"input image of foxes.onnx has shape \['N', 9, 9, 3\]; expected N × 8 × 8 × 3"),
        ({"shape": (2, SIZE, SIZE, 3)}, "input image of foxes.onnx has shape"),
        ({"output": "scores"}, r"foxes.onnx has image tensor\(uint8\), scores tensor\(float\); expected"),
        ({"nodes": {"probabilities": ("Identity", ["logits"])}}, r"adds up to [\d.]+; expected probabilities, 1 in"),
        ({"nodes": {"logits": ("Sub", ["colours", "colours"])}}, "gives the same values for another photo"),
        ({"nodes": {"logits": ("Log", ["gain"])}}, "inference with foxes.onnx failed|expected|onnxruntime cannot load"),
    ],
)
def test_what_a_pack_does_wrong_is_named(tmp_path: Path, model: dict[str, Any], message: str) -> None:
    found = pack_problems(tmp_path, model=tiny_model.tiny_pack_model(**model))
    assert any(re.search(message, each) for each in found), found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("red fox,Vulpes vulpes,species,wild,Chordata,Mammalia", "red fox,Vulpes vulpes,species,wild,Chordata,Aves",
         "'red fox' in foxes.csv is not in Mammalia"),
        ("Carnivora,Canidae,Vulpes,Vulpes vulpes", "Primates,Canidae,Vulpes,Vulpes vulpes",
         "foxes.csv has family Canidae in two places of the tree, one of them above 'red fox'"),
        (",10,vulpes-vulpes", ",20,vulpes-vulpes", "foxes.csv gives vulpes-vulpes the id 20, which hyla-arborea has"),
        (",10,vulpes-vulpes", ",11,vulpes-vulpes", "gives vulpes-vulpes the id 11, and the general model 10; give it"),
        ("\n2,winter", "\n3,winter", "output_index in foxes.csv is '3'; expected 2"),
    ],
)  # fmt: skip
def test_what_labels_have_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    # GIVEN a general model, and labels that contradict it or themselves
    write(tmp_path, tiny_model.tiny_model(), GENERAL)
    assert old in PACK_LABELS
    found = pack_problems(tmp_path, labels=PACK_LABELS.replace(old, new))
    assert any(message in each for each in found), found


def test_a_pack_in_a_folder_of_its_own_is_checked_against_the_model_that_it_stands_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a model of one's own, and as for PACKS_PATH a pack elsewhere, whose ids are computed
    for folder in ("model", "disk"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("MODEL_PATH", str(write(tmp_path / "model", tiny_model.tiny_model(), GENERAL)))
    pack = write_pack(tmp_path / "disk", labels=PACK_LABELS.replace(",10,", ",20,"))
    assert main([str(pack)]) == 0
    # WHEN none of the model's animals is in the pack's taxa THEN that is said: no photo would open it
    (tmp_path / "model" / "labels.csv").write_text(GENERAL.replace("Mammalia", "Aves"))
    (tmp_path / "model" / "taxa.csv").write_text(tiny_model.TAXA + "Aves,class,bird\n")
    assert main([str(pack)]) == 1
    assert "labels.csv is in Mammalia, so the pack scores no photo; correct taxa" in capsys.readouterr().err
    # AND a tree that contradicts the model's is named
    (tmp_path / "model" / "labels.csv").write_text(GENERAL.replace("Mammalia,Carnivora", "Mammalia,Anura"))
    assert main([str(pack)]) == 1
    assert "foxes.csv has family Canidae in two places of the tree" in capsys.readouterr().err


def test_faults_of_a_manifest_and_a_missing_model_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a manifest with two faults; THEN both are printed
    path = write_pack(tmp_path, manifest=PACK_MANIFEST.replace("0.5", "5").replace("1.0", "0"))
    assert main([str(path)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
    # GIVEN a pack without its model; THEN that is said
    path = write_pack(tmp_path)
    path.with_suffix(".onnx").unlink()
    (problem,) = find_pack_problems(path)
    assert "foxes.onnx cannot be read" in problem


def detector(folder: Path, boxes: list[Any], labels: str, sides: tuple[Any, ...] = (SIZE, SIZE)) -> list[str]:
    """Return the problems of a detector with boxes of a shape. `sides`: of its image."""
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["float", "shape"], ["boxes"]),
        helper.make_node("Sigmoid", ["boxes"], ["scores"]),
    ]
    inputs = {"image": (TensorProto.UINT8, [1, *sides, 3])}
    outputs = dict.fromkeys(("boxes", "scores"), (TensorProto.FLOAT, boxes))
    model = tiny_model.model_of("boxes", nodes, inputs, outputs, {"shape": np.array(boxes, np.int64)})
    return find_pack_problems(tiny_model.write_detector(folder, model, labels))


def test_a_detector_is_checked_too(tmp_path: Path) -> None:
    cat = "output_index,label,subject\n0,cat,animal\n"
    assert detector(tmp_path, [1, 48, 4], cat) == []
    assert detector(tmp_path, [1, 48, 4], cat, sides=("H", "W")) == []
    assert "has shape [1, 9, 8, 3]" in detector(tmp_path, [1, 48, 4], cat, sides=(9, 8))[0]
    assert "have shapes [1, 4, 48]" in detector(tmp_path, [1, 4, 48], cat)[0]
    more = detector(tmp_path, [1, 48, 4], cat + "4,dog,animal\n")
    assert more == ["colours.csv has the output_index 4; colours.onnx has only the outputs 0 to 3"]
    assert "has the row 0,cat,pet" in detector(tmp_path, [1, 48, 4], cat.replace("animal", "pet"))[0]
    assert "has the columns a,b" in detector(tmp_path, [1, 48, 4], "a,b\n")[0]


# SHA-256 of the networks' own labels, joined by newlines: the scientific names of inat_bird_labels.txt and
# inat_insect_labels.txt of their repository, without background, and with × instead of \\xd7 in two hybrids.
LABELS_IN_ORDER = {
    "birds": "c5e25b38c74beb950c6f5e26b9f0684716c86dc980dd466e05034e8c41abbaab",
    "insects": "77bb4b81e2af68c197766d57e973822fbb1d1a284336580140d0033199f93140",
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_the_projects_labels_are_in_the_order_of_the_outputs(name: str) -> None:
    labels = [row["label"] for row in read_rows(PACKS / f"{name}.csv")]
    assert hashlib.sha256("\n".join(labels).encode()).hexdigest() == LABELS_IN_ORDER[name]
    assert Manifest.read(PACKS / f"{name}.toml").background == len(labels)


@pytest.mark.parametrize("name", [*CLASSIFIERS, "detector", "night_mammals"])
def test_the_projects_packs_fit_the_tree_and_the_database(name: str) -> None:
    # GIVEN the pack with or without its weights; WHEN it is checked; THEN at most its model is missing
    found = find_pack_problems(PACKS / f"{name}.toml")
    assert [each for each in found if "cannot be read" not in each or name == "night_mammals"] == []


def test_the_projects_packs_know_species_and_name_the_taxa_that_the_general_model_lacks() -> None:
    animals = {name: PackLabels.read(PACKS / f"{name}.csv").animals for name in CLASSIFIERS}
    assert {name: len(each) for name, each in animals.items()} == {"birds": 922, "insects": 1004}
    used = set()
    for animal in (*animals["birds"], *animals["insects"]):
        assert not re.search(r"^ | $|[,()’]|  | ssp\.", animal.name), animal.name
        ranks = [taxon.rank for taxon in animal.lineage]
        assert ranks[:5] == list(RANKS[:5]) or animal.rank != "species"
        used |= {(taxon.scientific_name, taxon.rank) for taxon in animal.lineage}
    # AND each name of taxa.csv is used by a pack, and none is said twice
    files = PACKS / "taxa.csv", ROOT / "model" / "taxa.csv"
    named, known = ({(row["scientific_name"], row["rank"]) for row in read_rows(file)} for file in files)
    assert not named & known
    assert named <= used
    assert {taxon for taxon in used if taxon[1] in ("order", "family")} <= named | known


def test_an_unknown_taxon_of_the_project_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a pack in the project's own folder with an animal that the database does not have
    monkeypatch.setattr("model.check.PACKS", tmp_path / "packs")
    found = pack_problems(tmp_path)
    assert any("vulpes-lagopus of foxes.csv has id 3, but 279 in faunalens/data/taxa.csv" in each for each in found), (
        found
    )
    # AND a pack has no labels but its own
    with pytest.raises(SystemExit):
        main([str(write_pack(tmp_path)), "--labels", "x.csv"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("general = ", 'general = "0123456789ab" #', r"own.toml is for the general model 0123456789ab, not .*; train"),
        ("vulpes-lagopus =", "hyla-arborea =", "own.toml has a threshold of hyla-arborea, which is not in own.csv"),
        ('"own.csv"', '"few.csv"', "expected input features, crops × F, and output probabilities, 1 × 2: one for"),
    ],
)
def test_what_a_head_does_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = write_head(tmp_path, PACKS.with_name("faunalens.onnx"))
    (tmp_path / "few.csv").write_text("\n".join((tmp_path / "own.csv").read_text().splitlines()[:2]))
    file.write_text(file.read_text().replace(old, new))
    assert any(re.search(message, each) for each in find_pack_problems(file))


def test_a_head_of_ones_own_model_is_checked_against_that_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a head on the features of a model of one's own
    general = write(tmp_path, tiny_model.tiny_model())
    head = write_head(tmp_path / "packs", general)
    # WHEN the setting names that model; THEN the problem is that no detector finds what the head would score
    monkeypatch.setenv("MODEL_PATH", str(general))
    assert main([str(head)]) == 1
    no_detector = "a head scores boxes, but there is no detector; copy model/packs/detector.* to the model's packs"
    assert capsys.readouterr().err.splitlines() == [no_detector]
    # AND with a detector the head fits, and else the problem says what to set
    tiny_model.write_detector(tmp_path)
    assert main([str(head)]) == 0
    monkeypatch.delenv("MODEL_PATH")
    assert main([str(head)]) == 1
    assert "train it again, or set MODEL_PATH to its model" in capsys.readouterr().err
    # AND a model that is missing is one line too
    monkeypatch.setenv("MODEL_PATH", str(tmp_path / "none.onnx"))
    assert main([str(head)]) == 1
    assert "none.onnx cannot be read (No such file or directory); set MODEL_PATH" in capsys.readouterr().err

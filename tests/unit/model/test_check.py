"""Check of a model: one that fits passes, and each problem of one that does not is named."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from database.dataset_files import files_beside
from model.check import find_problems, main
from tests.support.tiny_model import LABELS, failing_model, tiny_model, write

DOCS = Path(__file__).parents[3] / "docs" / "how-to" / "model.md"


def problems(folder: Path, labels: str = LABELS, **changes: Any) -> list[str]:
    path = write(folder, tiny_model(**changes), labels)
    return find_problems(path, folder / "labels.csv", folder / "taxa.csv")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"probabilities": ("Identity", ["vision_probabilities"])}, "output probabilities is wrong; expected"),
        ({"probabilities": ("Mul", ["vision_probabilities", "prior"])}, "output probabilities is wrong; expected"),
        ({"vision_probabilities": ("Identity", ["logits"])}, "output vision_probabilities adds up to"),
        ({"logits": ("Mul", ["colours", "prior"])}, "the prior changes output vision_probabilities"),
        ({"logits": ("Sub", ["colours", "colours"])}, "another photo gives the same probabilities"),
        ({"positive": ("Add", ["prior", "gain"])}, "a prior of 1e-12 for all animals|× prior"),
        ({"weights": ("Neg", ["positive"])}, "output probabilities is wrong; expected vision_probabilities × prior"),
        ({"animal_probability": ("ReduceMax", ["colours"])}, "animal_probability is .* expected a value from 0 to 1"),
    ],
)
def test_what_a_model_does_wrong_is_named(
    tmp_path: Path, nodes: dict[str, tuple[str, list[str]]], message: str
) -> None:
    # GIVEN a graph of the right form that computes one thing otherwise; THEN the check says what
    found = problems(tmp_path, nodes=nodes)
    assert any(re.search(message, each) for each in found), found


def test_a_model_that_fails_when_it_is_run_is_named_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a model that is loaded and cannot be run
    path = write(tmp_path, failing_model())
    # WHEN it is checked; THEN it fails with a sentence
    assert main([str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("inference with tiny.onnx failed: ")


def test_labels_that_are_more_or_fewer_than_outputs_are_named(tmp_path: Path) -> None:
    # GIVEN labels without their last row
    fewer = "\n".join(LABELS.splitlines()[:-1]) + "\n"
    assert problems(tmp_path, fewer) == [
        "tiny.onnx has 3 probabilities, but labels.csv has 2 rows; expected one row per probability"
    ]


def test_problems_of_the_file_and_of_the_labels_are_both_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN a file that is no model, with labels of other columns
    path = write(tmp_path, tiny_model(), "name\n")
    path.write_bytes(b"no model")
    # WHEN it is checked; THEN it fails, one line each
    assert main([str(path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert "onnxruntime cannot load" in lines[0]
    assert "labels.csv has the columns name" in lines[1]


def test_links_as_in_the_docs_put_a_model_and_its_animals_into_the_package(tmp_path: Path) -> None:
    # GIVEN the project's links, and another model, with the commands in docs/how-to/model.md
    vendor = tmp_path / "vendor" / "model"
    shutil.copytree(DOCS.parents[2] / "vendor" / "model", vendor, symlinks=True)
    own = tmp_path / "my"
    own.mkdir()
    write(own, tiny_model()).rename(own / "colours.onnx")
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

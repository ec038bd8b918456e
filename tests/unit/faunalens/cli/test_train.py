"""`faunalens train`, as its user runs it, with a small model whose features are the means of colours."""

import random
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnxruntime
import pytest
from PIL import Image

from faunalens.cli.__main__ import run
from tests.support import tiny_model
from tests.support.studies import STATIONS
from tests.unit.faunalens.conftest import Command

COLOURS = {"lion": (200, 60, 40), "impala": (50, 190, 60), "hare": (10, 10, 240)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photos of four cameras, in folders by animal: twenty of two, three of another."""
    (tmp_path / "model").mkdir()
    path = tiny_model.write(tmp_path / "model", tiny_model.tiny_model())
    tiny_model.write_camera_trap_detector(tmp_path / "model")
    monkeypatch.setenv("MODEL_PATH", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draw = random.Random(1)
    for animal, colour in COLOURS.items():
        for number in range(3 if animal == "hare" else 20):
            photo = tmp_path / "sorted" / f"c{number % 4}" / animal / f"{number}.png"
            photo.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32), tuple(each + draw.randint(-9, 9) for each in colour)).save(photo)
    rows = [f"c{number},c{number},{STATIONS[0]['latitude']},{STATIONS[0]['longitude']}" for number in range(4)]
    (tmp_path / "deployments.csv").write_text("\n".join(["deploymentID,folder,latitude,longitude", *rows]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_labelled_photos_become_a_pack(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # WHEN a pack is trained
    arguments = ["train", "sorted", "--deployments", "deployments.csv", "--pack", "packs", "--name", "valley"]
    assert run(arguments) == 0
    said = capsys.readouterr().err
    # THEN it says what it is worth
    assert "these have too few photos, or cameras, to learn, and are tested as strangers: Lepus" in said
    assert "on cameras that it has not seen: 97.5% of 40 photos right" in said
    assert "lion: 20 photos of 4 cameras, 100% right" in said
    assert "use it: faunalens identify PHOTOS --pack packs" in said
    # THEN the pack is for the deployments' surroundings, and names what it has learnt
    manifest = (folder / "packs" / "valley.toml").read_text()
    assert ('cells = ["' in manifest, STATIONS[0]["latitude"] in manifest) == (True, False)
    session = onnxruntime.InferenceSession(folder / "packs" / "valley.onnx")
    (scores,) = session.run(None, {"features": np.array([COLOURS["lion"]] * 12, np.float32)})
    labels = (folder / "packs" / "valley.csv").read_text().splitlines()
    assert ",lion," in labels[1 + int(scores[0, :-1].argmax())]
    # WHEN it is trained again THEN the pack is the same, byte for byte
    first = {path.name: path.read_bytes() for path in (folder / "packs").iterdir()}
    assert run(arguments) == 0
    assert {path.name: path.read_bytes() for path in (folder / "packs").iterdir()} == first


def test_corrections_are_labels_too(folder: Path, command: Command) -> None:
    rows = [
        f"c{number % 4}/{name}/{number}.png,{name},c{number % 4}" for name in list(COLOURS)[:2] for number in range(20)
    ]
    Path("corrections.csv").write_text("\n".join(["file,animal,camera", *rows, "c0/hare/0.png,what a thing,c0"]))
    options = ("--corrections", "corrections.csv", "--pictures", "sorted", "--pack", "packs", "--area", "KE")
    said = command("train", *options)
    assert "1 photo is left out: 'what a thing' is not a taxon that Faunalens knows, such as" in said
    manifest = (folder / "packs" / "own.toml").read_text()
    assert ('areas = ["KE"]' in manifest, "cells" in manifest) == (True, False)


@pytest.mark.usefixtures("folder")
def test_what_is_missing_is_said(command: Command) -> None:
    assert "are of no known camera" in command("train", "sorted/c0", "--pack", "packs", code=1)
    for package in ("sklearn", "onnx"):
        with patch.dict(sys.modules, {package: None}):
            said = command("train", "sorted", "--pack", "packs", code=1)
        assert "needs scikit-learn and onnx, which are not installed" in said
    assert not Path("packs").exists()

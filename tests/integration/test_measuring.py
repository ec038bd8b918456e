"""The calibrate and evaluate commands on a folder of drawn photos, from bytes to their output."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from model import build, calibrate, evaluate
from model.graph import intermediate_tensors
from model.quantize import read_ranges


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two drawn photos of 'animals', and one of something else."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(3)
    for name in ("0008_one.jpg", "0105_two.jpg", "0700_other.jpg"):
        pixels = random.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((400, 300)).save(folder / name)
    return folder


def test_calibrating_measures_every_activation(photos: Path, tmp_path: Path) -> None:
    # GIVEN photos; WHEN activations are measured, with all figures kept and with some cut off
    everything, most = tmp_path / "everything.csv", tmp_path / "most.csv"
    assert calibrate.main(["--photos", str(photos), "--output", str(everything), "--percentile", "100"]) == 0
    assert calibrate.main(["--photos", str(photos), "--output", str(most), "--percentile", "99"]) == 0

    # THEN each has a range, ReLU6 from 0 to 6 at most, and less of the figures needs less of a range
    wide, narrow = read_ranges(everything), read_ranges(most)
    network = build.read_network()
    assert list(wide) == list(narrow) == intermediate_tensors(network)
    for layer in network.convolutions:
        if layer.relu6:
            assert wide[layer.name].low == 0
            assert wide[layer.name].high <= 6
    assert all(wide[name].low <= narrow[name].low and narrow[name].high <= wide[name].high for name in wide)
    assert any(narrow[name].high < wide[name].high for name in wide)


def test_fitting_writes_the_temperature_of_the_animals(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN photos, one of which is no animal; WHEN the temperature is fitted
    output = tmp_path / "temperature.json"
    assert calibrate.main(["--photos", str(photos), "--temperature", "--output", str(output)]) == 0
    # THEN it is written for the build to read, and the table covers the two animals
    assert 0.1 <= json.loads(output.read_text())["temperature"] <= 10
    assert build.read_temperature(output) == json.loads(output.read_text())["temperature"]
    shown = capsys.readouterr()
    assert "on 2 photos" in shown.out
    assert "| T fitted on the other half |" in shown.out
    assert "photo 0 of 3" in shown.err


def test_evaluating_prints_the_table_of_the_model_card(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN photos; WHEN the model is evaluated; THEN int8 stands beside fp32, which agrees with itself
    assert evaluate.main(["--photos", str(photos)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| 2 photos of animals, 1 of other things | int8 | fp32 |"
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:-1]] for line in lines[2:]}
    assert rows["same animal first as fp32"][1] == "100.0%"
    assert rows["time of one inference, fp32 = 1"][1] == "1.00"
    assert float(rows["size, MB"][0]) < 0.3 * float(rows["size, MB"][1])


@pytest.mark.parametrize(
    ("command", "more"),
    [(calibrate.main, ["--output"]), (evaluate.main, [])],
)
def test_a_folder_without_photos_is_named(
    command: Callable[[list[str]], int], more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an empty folder, then a photo without a label in its name; THEN the error says so, and nothing is written
    arguments = ["--photos", str(tmp_path), *more, *[str(tmp_path / "output")] * bool(more)]
    assert command(arguments) == 1
    assert "expected files named <output index>_….jpg" in capsys.readouterr().err
    (tmp_path / "koala.jpg").write_bytes(b"")
    assert command(arguments) == 1
    assert "koala.jpg does not start with a label" in capsys.readouterr().err
    assert not (tmp_path / "output").exists()

"""The model that `make setup` builds: reproducible, close to full precision, and narrowed by the prior.

This repository has no animal photos; `python -m model evaluate` measures accuracy. These tests compare outputs for a
photo of noise and a drawn disc.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from chalicelib.model.session import Model
from model import build
from model.build import LABELS, count_animals, read_network, serialize
from model.graph import intermediate_tensors
from model.quantize import read_ranges

ANIMALS = count_animals(LABELS)


@pytest.fixture(scope="module")
def path() -> Path:
    assert build.OUTPUT.is_file(), "model/faunalens.onnx is not there; run `make setup`"
    return build.OUTPUT


@pytest.fixture(scope="module")
def model(path: Path) -> Model:
    return Model(path, threads=1)


@pytest.fixture(scope="module")
def photo() -> NDArray[np.uint8]:
    random = np.random.default_rng(1)
    row, column = np.mgrid[:260, :260]
    disc = (row - 130) ** 2 + (column - 120) ** 2 < 70**2
    colours = np.where(disc[..., None], (200, 120, 60), (60, 120, 70))
    return (colours + random.integers(-25, 25, colours.shape)).astype(np.uint8)


def test_the_build_gives_the_same_bytes_twice_and_they_are_the_built_model(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN the built model; WHEN it is built twice more; THEN all three are the same file
    for name in ("first.onnx", "second.onnx"):
        assert build.main(["--output", str(tmp_path / name)]) == 0
    assert "building the int8 graph for 398 animals" in capsys.readouterr().out
    first = (tmp_path / "first.onnx").read_bytes()
    assert first == (tmp_path / "second.onnx").read_bytes()
    assert first == path.read_bytes()


def test_int8_stays_close_to_full_precision(model: Model, tmp_path: Path, photo: NDArray[np.uint8]) -> None:
    # GIVEN the same network in full precision
    full = tmp_path / "full.onnx"
    assert build.main(["--fp32", "--output", str(full)]) == 0
    # WHEN both see a photo; THEN they mean the same, and int8 is about a quarter of the size
    anywhere = np.ones(ANIMALS, np.float32)
    integer, floating = model.score(photo, anywhere), Model(full, threads=1).score(photo, anywhere)
    assert integer.vision.argmax() == floating.vision.argmax()
    assert np.abs(integer.vision - floating.vision).sum() < 0.5
    assert abs(integer.animal_probability - floating.animal_probability) < 0.1
    assert build.OUTPUT.stat().st_size < 0.3 * full.stat().st_size


def test_every_activation_has_its_range() -> None:
    # GIVEN the network; THEN the committed table has exactly its activations
    network = read_network()
    ranges = read_ranges(build.ACTIVATIONS)
    assert list(ranges) == intermediate_tensors(network)
    # AND ReLU6 is the end of the range where it applies: there the graph has no other limit
    assert all(ranges[layer.name].high <= 6 for layer in network.convolutions if layer.relu6)
    with pytest.raises(KeyError, match="head"):
        serialize(network, ANIMALS, 1.0, {name: each for name, each in ranges.items() if name != "head"})


@settings(max_examples=20)
@given(prior=arrays(np.float32, ANIMALS, elements=st.floats(0, 1, width=32), fill=st.just(0.0)))
def test_any_prior_gives_vision_times_prior(model: Model, photo: NDArray[np.uint8], prior: NDArray[np.float32]) -> None:
    # GIVEN any prior, zero for most animals or for all
    scores = model.score(photo, prior)
    # THEN probabilities are vision × prior, made to add up to 1; zero counts as 1e-30, so there is never 0 / 0
    weighed = scores.vision.astype(np.float64) * np.maximum(prior, 1e-30)
    assert np.allclose(scores.probabilities, weighed / weighed.sum(), atol=1e-4)

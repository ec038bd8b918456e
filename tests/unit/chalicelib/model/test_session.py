"""The model session: valid models give probabilities; invalid ones give an error that says what was expected."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, save_model

from chalicelib.errors import ModelError
from chalicelib.model.session import Model, external_data, version_of
from tests.support.tiny_model import ANIMALS, SIZE, failing_model, tiny_model, write

GREEN = np.full((SIZE, SIZE, 3), (0, 200, 30), np.uint8)
ANYWHERE = np.ones(ANIMALS, np.float32)
FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
UNEVEN = {"features": ("Identity", ["animal_probability"])}
UNREDUCED = {"animal_probability": ("Identity", ["vision_probabilities"])}


def test_a_model_has_size_animals_name_and_version(tmp_path: Path) -> None:
    path = write(tmp_path, tiny_model())
    model, version = Model(path, threads=1), hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    assert (model.input_size, model.animals, model.name, model.version) == (SIZE, ANIMALS, "tiny", version)


@pytest.mark.parametrize("name", ["tiny.onnx.data", "weights.bin", "7f9a4c1e-5b1d-11ef"])
def test_a_model_that_differs_in_its_external_data_alone_has_another_version(tmp_path: Path, name: str) -> None:
    # GIVEN weights in a file of their own, as exporters write them, and a file of another model's weights
    path, data = tmp_path / "link.onnx", tmp_path / name
    model = tiny_model()
    save_model(model, path, save_as_external_data=True, location=data.name, size_threshold=0)
    first = version_of(path)
    (tmp_path / "other.onnx.data").write_bytes(b"other")
    assert version_of(path) == first
    # WHEN only they change, as in another training
    alone = path.read_bytes()
    data.write_bytes(data.read_bytes()[::-1])
    # THEN the version is another
    assert version_of(path) != first
    assert path.read_bytes() == alone


def test_an_empty_file_has_no_external_data(tmp_path: Path) -> None:
    path = tmp_path / "empty.onnx"
    path.touch()
    assert external_data(path) == []


def test_a_photo_is_scored_with_and_without_the_prior(tmp_path: Path) -> None:
    # GIVEN a green photo, and a prior for a cell where the green animal does not live
    model = Model(write(tmp_path, tiny_model()), threads=1)
    prior = np.array([1, 1e-6, 1], np.float32)

    # WHEN it is scored with and without
    narrowed, plain = model.score(GREEN, prior), model.score(GREEN, ANYWHERE)

    # THEN the prior weighs probabilities only
    assert plain.probabilities.argmax() == plain.vision.argmax() == 1
    assert narrowed.probabilities.argmax() != 1
    assert np.array_equal(narrowed.vision, plain.vision)
    assert narrowed.probabilities.sum() == pytest.approx(1)
    assert 0 <= plain.animal_probability <= 1
    assert plain.probabilities.shape == plain.vision.shape == (ANIMALS,)
    # AND a model gives what heads score, here the colours, if it can
    assert plain.features is not None
    assert plain.features.tolist() == [0, 200, 30]
    without = Model(write(tmp_path, tiny_model(drop="features")), threads=1)
    assert without.score(GREEN, ANYWHERE).features is None


def test_a_photo_that_is_alone_uses_all_processors_with_the_same_result(tmp_path: Path) -> None:
    # GIVEN a model that may use all processors while a photo is alone
    model = Model(write(tmp_path, tiny_model()), threads=1)
    expected = model.score(GREEN, ANYWHERE)
    asked: list[bool] = []
    alone = iter([True, False])

    def is_alone() -> bool:
        asked.append(next(alone))
        return asked[-1]

    model.use_all_processors_when(is_alone)
    # WHEN photos are scored alone and not THEN the scores are those of the other session
    for _ in range(2):
        assert model.score(GREEN, ANYWHERE).probabilities == pytest.approx(expected.probabilities)
    assert asked == [True, False]


@pytest.mark.parametrize(
    ("pixels", "prior", "message"),
    [
        (GREEN.astype(np.float32), ANYWHERE, r"pixels are float32 \(8, 8, 3\), expected uint8 \(8, 8, 3\)"),
        (GREEN[:4], ANYWHERE, r"pixels are uint8 \(4, 8, 3\)"),
        (GREEN, np.ones(4, np.float32), r"prior is float32 \(4,\), expected float32 \(3,\)"),
        (GREEN, np.ones(3), "prior is float64"),
    ],
)
def test_arrays_of_other_shapes_or_types_are_rejected(tmp_path: Path, pixels: Any, prior: Any, message: str) -> None:
    model = Model(write(tmp_path, tiny_model()), threads=1)
    with pytest.raises(ValueError, match=message):
        model.score(pixels, prior)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drop": "animal_probability"}, "has the outputs activation_map, features, probabilities, vision_prob"),
        ({"inputs": {"extra": (FLOAT, ["N"])}}, "has the inputs extra, image, prior; expected image, prior"),
        ({"inputs": {"image": (FLOAT, ["N", 8, 8, 3])}}, r"image .* is tensor\(float\), expected tensor\(uint8\)"),
        ({"inputs": {"image": (UINT8, ["N", "S", "S", 3])}}, "expected N × S × S × 3 with a fixed S"),
        ({"inputs": {"image": (UINT8, ["N", 8, 4, 3])}}, r"has shape \['N', 8, 4, 3\], expected N × S × S × 3"),
        ({"inputs": {"prior": (FLOAT, ["N", "A"])}}, "expected N × A with a fixed number of animals"),
        ({"inputs": {"prior": (FLOAT, ["N", 1])}}, "probabilities .* expected N × 1, like the prior"),
        ({"outputs": {"animal_probability": (FLOAT, ["N", 3])}, "nodes": UNREDUCED}, "expected N, one value per photo"),
        ({"outputs": {"features": (FLOAT, ["N"])}, "nodes": UNEVEN}, "features .* expected N × any number"),
        ({"inputs": {"prior": (FLOAT, [4, ANIMALS])}}, "prior .* expected a variable batch size or 1"),
    ],
)  # fmt: skip
def test_a_broken_contract_is_an_error(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    # GIVEN a model that breaks the contract in one point; WHEN it is loaded; THEN the error names the point
    with pytest.raises(ModelError, match=message):
        Model(write(tmp_path, tiny_model(**changes)), threads=1)


def test_failed_inference_is_a_model_error(tmp_path: Path) -> None:
    # GIVEN a valid model; WHEN inference fails; THEN that is a ModelError
    model = Model(write(tmp_path, failing_model()), threads=1)
    with pytest.raises(ModelError, match=r"inference with tiny\.onnx failed: .*out of data bounds"):
        model.score(GREEN, ANYWHERE)


def test_outputs_of_undeclared_shapes_are_an_error(tmp_path: Path) -> None:
    # GIVEN a model that returns two values for one photo, which shows only in inference
    nodes = {"animal_probability": ("Compress", ["vision_probabilities", "two"])}
    path = write(tmp_path, tiny_model(nodes=nodes, constants={"two": np.array([True, True, False])}))
    # WHEN it runs; THEN the error says what was expected
    with pytest.raises(
        ModelError, match=r"have shapes \(1, 3\), \(1, 3\) and \(2,\) for one photo, expected \(1, 3\) twice"
    ):
        Model(path, threads=1).score(GREEN, ANYWHERE)


def test_a_missing_file_names_the_setting_and_the_command_and_another_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "photo.onnx"
    with pytest.raises(ModelError, match=r"photo.onnx cannot be read .*set MODEL_PATH .*run `make setup`"):
        Model(path)
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ModelError, match=r"onnxruntime cannot load the model photo\.onnx: .*; set MODEL_PATH"):
        Model(path)

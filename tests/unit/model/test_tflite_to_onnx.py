"""Conversion from TensorFlow Lite: the same arithmetic, calibrated; what is not known is refused."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from chalicelib.errors import ModelError
from model.tflite_network import read_network
from model.tflite_to_onnx import convert
from tests.unit.model.tiny_tflite import (
    CLASSES,
    SIZE,
    TANH,
    TinyOperator,
    changed,
    logits_of,
    tflite_bytes,
    tiny_operators,
)

OPERATORS = tiny_operators()
PHOTOS = np.random.default_rng(3).integers(0, 256, (20, SIZE, SIZE, 3), dtype=np.uint8)


def converted(folder: Path, operators: Sequence[TinyOperator] = OPERATORS, **options: Any) -> onnx.ModelProto:
    path = folder / "tiny.tflite"
    path.write_bytes(tflite_bytes(operators))
    return convert(read_network(path), **{"temperature": 1.0, "background": None, "metadata": {}, **options})


def run(model: onnx.ModelProto, photos: NDArray[np.uint8] = PHOTOS) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (probabilities,) = session.run(["probabilities"], {"image": photos})
    return np.asarray(probabilities)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def test_it_computes_what_the_file_says(tmp_path: Path) -> None:
    # GIVEN a network of all operators, and its arithmetic written down in NumPy
    expected = np.stack([logits_of(OPERATORS, photo) for photo in PHOTOS])
    # WHEN it is converted and run on several photos at once
    probabilities = run(converted(tmp_path))
    # THEN the logits are the same, but for a few that are rounded to the next integer and so shift their mean
    logits = np.log(probabilities) - np.log(probabilities).mean(1, keepdims=True)
    difference = np.abs(logits - (expected - expected.mean(1, keepdims=True)))
    assert difference.max() <= OPERATORS[-1].inputs[0].scale * 2
    assert (difference.max(axis=1) < 1e-4).mean() >= 0.8
    assert np.ptp(expected, axis=0).max() > 1  # photos differ


def test_background_is_left_out_and_the_temperature_divides_the_logits(tmp_path: Path) -> None:
    # GIVEN the shares of six classes, of which the last is background
    plain = run(converted(tmp_path))
    # WHEN it is converted with a temperature and without background
    probabilities = run(converted(tmp_path, temperature=0.8, background=CLASSES - 1))
    # THEN background counts as zero before the temperature, and the rest adds up to 1
    expected = plain[:, :-1].astype(np.float64) ** (1 / 0.8)
    np.testing.assert_allclose(probabilities, expected / expected.sum(1, keepdims=True), atol=1e-6)


def test_weights_stay_unsigned(tmp_path: Path) -> None:
    # GIVEN a converted file; THEN no constant is int8, which would saturate on processors without VNNI
    model = converted(tmp_path)
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    assert {str(value.dtype) for value in constants.values()} <= {"uint8", "int32", "int64", "float32"}
    assert constants["w1.integers"].dtype == np.uint8
    # and every scale is a scalar, as onnxruntime demands
    assert {value.shape for name, value in constants.items() if name.endswith((".scale", ".zero"))} == {()}


def test_equal_files_give_equal_bytes(tmp_path: Path) -> None:
    first, second = (converted(tmp_path, metadata={"b": "1", "a": "2"}) for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(deterministic=True)


def signed(operators: Sequence[TinyOperator]) -> list[TinyOperator]:
    """Return operators whose first weights have a type that is not known."""
    source, weight, bias = operators[0].inputs
    return [replace(operators[0], inputs=(source, replace(weight, type=9), bias)), *operators[1:]]


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        (OPERATORS[:-1], "the last operator is FULLY_CONNECTED; expected SOFTMAX"),
        ([*OPERATORS, replace(OPERATORS[-1], kind="TANH", options={})], "operator TANH is not converted"),
        (
            changed(OPERATORS, "CONV_2D", FusedActivationFunction=TANH),
            "activation 4 of TensorFlow Lite is not converted",
        ),
        (changed(OPERATORS, "CONV_2D", DilationHFactor=2), "first is a dilated convolution"),
        (changed(OPERATORS, "SOFTMAX", Beta=2.0), "softmax with β = 2"),
        (changed(OPERATORS, "AVERAGE_POOL_2D", FilterHeight=2), "only a mean of the whole is converted"),
        (changed(OPERATORS, "DEPTHWISE_CONV_2D", FusedActivationFunction=3), "which do not apply its relu6"),
        (signed(OPERATORS), "tensor w1 has type 9 of TensorFlow Lite; expected uint8 or int32"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, operators: list[TinyOperator], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        converted(tmp_path, operators)


def test_background_must_be_the_last_output(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="background is output 0 of 6; expected the last one, 5"):
        converted(tmp_path, background=0)


@pytest.mark.parametrize("size", [0, 3, 100, 1000])
def test_a_file_cut_short_is_an_error(tmp_path: Path, size: int) -> None:
    # GIVEN a file of which only the start arrived, or something else
    path = tmp_path / "cut.tflite"
    path.write_bytes(tflite_bytes(OPERATORS)[:size])
    # WHEN it is read; THEN the error names it
    with pytest.raises(ModelError, match=r"cut\.tflite is (not a TensorFlow Lite file|damaged)"):
        read_network(path)

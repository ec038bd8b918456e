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
from model.tflite_to_onnx import convert, read_network
from tests.unit.model import tiny_tflite
from tests.unit.model.tiny_tflite import CLASSES, SIZE, TANH, TinyOperator, changed, logits_of, tflite_bytes

OPERATORS = tiny_tflite.tiny_operators()
PHOTOS = np.random.default_rng(3).integers(0, 256, (20, SIZE, SIZE, 3), dtype=np.uint8)


def converted(folder: Path, operators: Sequence[TinyOperator] = OPERATORS, **options: Any) -> onnx.ModelProto:
    path = folder / "tiny.tflite"
    path.write_bytes(tflite_bytes(operators))
    return convert(read_network(path), **{"temperature": 1.0, "background": None, "metadata": {}, **options})


def run(model: onnx.ModelProto, photos: NDArray[np.uint8] = PHOTOS) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    (probabilities,) = session.run(["probabilities"], {"image": photos})
    return np.asarray(probabilities)


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
    assert np.ptp(expected, axis=0).max() > 0.5  # photos differ


def test_background_is_left_out_and_the_temperature_divides_the_logits(tmp_path: Path) -> None:
    # GIVEN the shares of six classes, of which the last is background
    plain = run(converted(tmp_path))
    # WHEN it is converted with a temperature and without background
    probabilities = run(converted(tmp_path, temperature=0.8, background=CLASSES - 1))
    # THEN background counts as zero before the temperature, and the rest adds up to 1
    expected = plain[:, :-1].astype(np.float64) ** (1 / 0.8)
    np.testing.assert_allclose(probabilities, expected / expected.sum(1, keepdims=True), atol=1e-6)
    # AND it must be the last output
    with pytest.raises(ModelError, match="background is output 0 of 6; expected the last one, 5"):
        converted(tmp_path, background=0)


def constants_of(model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def test_weights_are_signed_around_zero_and_stay_exact_where_they_fit(tmp_path: Path) -> None:
    # GIVEN weights of which all fit WHEN they are converted
    constants = constants_of(converted(tmp_path))
    # THEN they are s8 with zero point 0, for which convolutions are fast, and the integers of the file
    for name, operator in (("w1", OPERATORS[0]), ("w2", OPERATORS[1]), ("w3", OPERATORS[4])):
        weight = operator.inputs[1]
        assert weight.values is not None
        integers = weight.values.astype(int) - weight.zero
        expected = np.moveaxis(integers, 3, 1 if name == "w1" else 0) if integers.ndim == 4 else integers
        assert constants[f"{name}.real.integers"].dtype == np.int8
        assert np.array_equal(constants[f"{name}.real.integers"], expected)
        assert not constants[f"{name}.real.zeros"].any()
        assert set(constants[f"{name}.real.scales"]) == {np.float32(weight.scale)}
    # AND the matrix after the pooling is one of integers too, so that onnxruntime fuses it
    kinds = [each.op_type for each in converted(tmp_path).graph.node]
    after = kinds.index("Flatten")
    assert kinds[after : after + 3] == ["Flatten", "QuantizeLinear", "DequantizeLinear"]


def test_channels_that_do_not_fit_get_a_scale_of_their_own(tmp_path: Path) -> None:
    # GIVEN weights far from their zero point, whose products would saturate on processors without VNNI
    operators = tiny_tflite.tiny_operators(farthest=120)
    constants = constants_of(converted(tmp_path, operators))
    # THEN they get a larger scale (test_quantize.py says of what size)
    assert all(constants[f"{name}.real.scales"].max() > np.float32(0.01) for name in ("w1", "w3"))
    # AND the logits are about the same
    expected = np.stack([logits_of(operators, photo) for photo in PHOTOS])
    logits = np.log(run(converted(tmp_path, operators)))
    difference = (logits - logits.mean(1, keepdims=True)) - (expected - expected.mean(1, keepdims=True))
    assert np.abs(difference).mean() < 0.05 * np.ptp(expected)


def signed(operators: Sequence[TinyOperator]) -> list[TinyOperator]:
    """Return operators whose first weights have a type that is not known."""
    source, weight, bias = operators[0].inputs
    return [replace(operators[0], inputs=(source, replace(weight, type=9), bias)), *operators[1:]]


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        (OPERATORS[:-1], "the last operator is FULLY_CONNECTED; expected SOFTMAX"),
        ([*OPERATORS, replace(OPERATORS[-1], kind="TANH", options={})], "operator TANH is not converted"),
        (changed(OPERATORS, "CONV_2D", FusedActivationFunction=TANH), "activation 4 of TensorFlow Lite is not"),
        (changed(OPERATORS, "CONV_2D", DilationHFactor=2), "first is a dilated convolution"),
        (changed(OPERATORS, "SOFTMAX", Beta=2.0), "softmax with β = 2"),
        (changed(OPERATORS, "AVERAGE_POOL_2D", FilterHeight=2), "only a mean of the whole is converted"),
        (changed(OPERATORS, "DEPTHWISE_CONV_2D", FusedActivationFunction=3), "beyond the limits of its relu6"),
        (signed(OPERATORS), "tensor w1 has type 9 of TensorFlow Lite; expected uint8 or int32"),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, operators: list[TinyOperator], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        converted(tmp_path, operators)


def test_another_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.tflite").write_bytes(b"PK\3\4")
    with pytest.raises(ModelError, match=r"other\.tflite is not a TensorFlow Lite file"):
        read_network(tmp_path / "other.tflite")

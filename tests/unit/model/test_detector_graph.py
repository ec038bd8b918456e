"""Conversion of a YOLOX detector: RGB pixels in, boxes in pixels and scores out."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from chalicelib.errors import ModelError
from model.detector_graph import convert, grid_of

SIZE = 32
SQUARES = 16 + 4 + 1
RAW = np.zeros((1, SQUARES, 7), np.float32)
RAW[0, 6] = (0.5, 0.25, np.log(2), np.log(3), 0.8, 0.5, 0.0)  # stride 8, third column of the second row
RAW[0, 20] = (0.5, 0.5, 0, 0, 1, 0, 0.5)  # stride 32


def yolox(shape: tuple[int, ...] = (1, 3, SIZE, SIZE), outputs: tuple[int, ...] = RAW.shape) -> onnx.ModelProto:
    """Return a network as YOLOX exports it, whose last class of each square is the first channel's first pixel."""
    nodes = [
        helper.make_node("Slice", ["images", "start", "stop"], ["pixel"]),
        helper.make_node("Reshape", ["pixel", "flat"], ["value"]),
        helper.make_node("Mul", ["value", "last"], ["added"]),
        helper.make_node("Add", ["raw", "added"], ["output"]),
    ]
    last = np.zeros(7, np.float32)
    last[6] = 1 / 255
    constants: dict[str, np.ndarray[Any, Any]] = {
        "start": np.array([0, 0, 0, 0]), "stop": np.array([1, 1, 1, 1]), "flat": np.array([1, 1, 1]), "last": last,
        "raw": RAW,
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "yolox",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, list(outputs))],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)


def test_boxes_are_in_pixels_and_scores_are_probabilities() -> None:
    # GIVEN a converted detector WHEN it sees a photo whose first pixel is blue
    session = onnxruntime.InferenceSession(convert(yolox(), SIZE, {"name": "boxes"}).SerializeToString())
    photo = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    photo[0, 0, 0, 2] = 51
    boxes, scores = session.run(["boxes", "scores"], {"image": photo})
    # THEN a box is centre x, centre y, width and height: (column + x) × stride, stride × exp(width), and so on
    assert boxes.shape == (1, SQUARES, 4)
    np.testing.assert_allclose(boxes[0, 6], ((2 + 0.5) * 8, (1 + 0.25) * 8, 16, 24), rtol=1e-6)
    np.testing.assert_allclose(boxes[0, 20], (16, 16, 32, 32), rtol=1e-6)
    # AND a score is objectness × class; the network has read the blue channel first
    assert scores.shape == (1, SQUARES, 2)
    np.testing.assert_allclose(scores[0, 6], (0.8 * 0.5, 0.8 * 0.2), rtol=1e-6)
    np.testing.assert_allclose(scores[0, 20], (0, 0.5 + 0.2), rtol=1e-6)


def test_squares_are_numbered_by_stride_row_and_column() -> None:
    corners, strides = grid_of(SIZE)
    assert corners[0, :5].tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [0, 1]]
    assert strides[0, [0, 15, 16, 19, 20], 0].tolist() == [8, 8, 16, 16, 32]


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (yolox(shape=(1, 3, 64, 64)), r"has inputs \[\[1, 3, 64, 64\]\]; expected 1 × 3 × 32 × 32"),
        (yolox(outputs=(1, 22, 7)), r"has outputs \[\[1, 22, 7\]\]; expected 1 × 21 × \(5 \+ classes\)"),
        (yolox(outputs=(1, 21, 5)), r"expected 1 × 21 × \(5 \+ classes\)"),
    ],
)
def test_another_form_is_refused(network: onnx.ModelProto, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        convert(network, SIZE, {})

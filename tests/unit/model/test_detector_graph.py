"""Conversion of a YOLOX detector: RGB pixels in, boxes in pixels and scores out."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from chalicelib.errors import ModelError
from model.detector_graph import STRIDES, convert, squares_of

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


FOCUS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column of the pixels that the first convolution sees as channels."""
WIDE = 64


def focused() -> onnx.ModelProto:
    """Return a network of three classes that begins and ends as YOLOX does: with slices, and filters of classes."""
    random = np.random.default_rng(1)
    nodes, constants = [], {"axes": np.array([2, 3]), "steps": np.array([2, 2]), "stop": np.array([9999, 9999])}
    for number, corner in enumerate(FOCUS):  # each with two slices, as PyTorch exports it
        constants[f"start{number}"] = np.array(corner)
        nodes.append(helper.make_node("Slice", ["images", "zero", "stop", "axes"], [f"all{number}"]))
        nodes.append(
            helper.make_node("Slice", [f"all{number}", f"start{number}", "stop", "axes", "steps"], [f"p{number}"])
        )
    nodes.append(helper.make_node("Concat", [f"p{number}" for number in range(4)], ["focus"], axis=1))
    constants["zero"] = np.array([0, 0])
    weights = {"stem": (4, 12, 3, 3), "deep": (8, 4, 3, 3), "head.cls_preds.0": (3, 8, 1, 1), "others": (5, 8, 1, 1)}
    floats = {f"{name}.weight": random.normal(0, 0.05, shape).astype(np.float32) for name, shape in weights.items()}
    floats |= {f"{name}.bias": random.normal(0, 0.05, shape[0]).astype(np.float32) for name, shape in weights.items()}

    def convolution(name: str, source: str, kernel: int, stride: int = 1) -> Any:
        parts = [source, f"{name}.weight", f"{name}.bias"]
        sides: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        return helper.make_node("Conv", parts, [name], **sides)

    nodes += [convolution("stem", "focus", 3), convolution("deep", "stem", 3, stride=4)]
    flats = []
    for stride in STRIDES:
        pooled, size = f"pool{stride}", stride // 8
        nodes.append(helper.make_node("MaxPool", ["deep"], [pooled], kernel_shape=[size] * 2, strides=[size] * 2))
        for name in ("head.cls_preds.0", "others"):
            made = convolution(name, pooled, 1)
            made.output[0] = f"{name}{stride}"
            nodes.append(made)
        nodes.append(
            helper.make_node("Concat", [f"others{stride}", f"head.cls_preds.0{stride}"], [f"l{stride}"], axis=1)
        )
        nodes.append(helper.make_node("Reshape", [f"l{stride}", "shape"], [f"flat{stride}"]))
        flats.append(f"flat{stride}")
    constants["shape"] = np.array([1, 8, -1])
    nodes.append(helper.make_node("Concat", flats, ["all"], axis=2))
    nodes.append(helper.make_node("Transpose", ["all"], ["output"], perm=[0, 2, 1]))
    graph = helper.make_graph(
        nodes,
        "yolox",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, WIDE, WIDE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, squares_of(WIDE), 8])],
        [numpy_helper.from_array(value, name) for name, value in (constants | floats).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)


def test_the_slices_become_a_part_of_the_first_convolution() -> None:
    # GIVEN a network as PyTorch exports it, and what it gives for a photo in BGR
    photo = np.random.default_rng(2).integers(0, 256, (1, WIDE, WIDE, 3), dtype=np.uint8)
    plain = onnxruntime.InferenceSession(focused().SerializeToString())
    (expected,) = plain.run(None, {"images": photo.transpose(0, 3, 1, 2)[:, ::-1].astype(np.float32)})
    # WHEN it is converted
    model = convert(focused(), WIDE, {})
    boxes, scores = onnxruntime.InferenceSession(model.SerializeToString()).run(["boxes", "scores"], {"image": photo})
    # THEN it has no slices of the image and no constant that nothing reads, and gives the same
    read = {name for each in model.graph.node for name in each.input}
    assert not [each for each in model.graph.node if each.op_type == "Slice" and "pack" not in each.name]
    assert {each.name for each in model.graph.initializer} <= read
    np.testing.assert_allclose(scores, expected[..., 4:5] * expected[..., 5:], rtol=1e-3, atol=1e-3)
    assert boxes.shape == (1, squares_of(WIDE), 4)


def test_a_wide_photo_needs_no_square() -> None:
    # GIVEN a photo half as high as wide WHEN a detector sees it, and in a square with grey below
    photo = np.random.default_rng(3).integers(0, 256, (1, WIDE // 2, WIDE, 3), dtype=np.uint8)
    square = np.full((1, WIDE, WIDE, 3), 114, np.uint8)
    square[:, : WIDE // 2] = photo
    session = onnxruntime.InferenceSession(convert(focused(), WIDE, {}).SerializeToString())
    boxes, scores = session.run(["boxes", "scores"], {"image": photo})
    all_boxes, all_scores = session.run(["boxes", "scores"], {"image": square})
    # THEN the squares of its upper rows, far from the grey, have the same boxes and scores
    assert boxes.shape == (1, squares_of(WIDE) // 2, 4)
    np.testing.assert_allclose(boxes[:, :16], all_boxes[:, :16], rtol=1e-4)
    np.testing.assert_allclose(scores[:, :16], all_scores[:, :16], rtol=1e-4, atol=1e-4)


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

"""Conversion of a YOLOX detector: RGB pixels in, boxes in pixels and scores out."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from chalicelib.errors import ModelError
from model.detector_graph import STRIDES, convert, squares_of

FOCUS = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column of the pixels that the first convolution sees as channels."""
SIZE = 64


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
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, squares_of(SIZE), 8])],
        [numpy_helper.from_array(value, name) for name, value in (constants | floats).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=7)


def test_boxes_are_in_pixels_and_scores_are_probabilities() -> None:
    # GIVEN a network as PyTorch exports it, and what it gives for a photo in BGR
    photo = np.random.default_rng(2).integers(0, 256, (1, SIZE, SIZE, 3), dtype=np.uint8)
    plain = onnxruntime.InferenceSession(focused().SerializeToString())
    (expected,) = plain.run(None, {"images": photo.transpose(0, 3, 1, 2)[:, ::-1].astype(np.float32)})
    # WHEN it is converted
    model = convert(focused(), SIZE, {})
    boxes, scores = onnxruntime.InferenceSession(model.SerializeToString()).run(["boxes", "scores"], {"image": photo})
    # THEN a box is centre x, centre y, width and height in pixels, by stride, row and column
    squares = [(x, y, stride) for stride in STRIDES for y in range(SIZE // stride) for x in range(SIZE // stride)]
    column, row, side = np.array(squares, float).T
    x, y, width, height = expected[0, :, :4].T
    found = np.stack([x + column, y + row, np.exp(width), np.exp(height)]) * side
    assert boxes.shape == (1, squares_of(SIZE), 4)
    np.testing.assert_allclose(boxes[0], found.T, rtol=1e-3, atol=1e-2)
    # AND a score is objectness × class
    np.testing.assert_allclose(scores, expected[..., 4:5] * expected[..., 5:], rtol=1e-3, atol=1e-3)
    # AND it has no slices of the image and no constant that nothing reads
    read = {name for each in model.graph.node for name in each.input}
    assert not [each for each in model.graph.node if each.op_type == "Slice" and "pack" not in each.name]
    assert {each.name for each in model.graph.initializer} <= read


def test_a_wide_photo_needs_no_square() -> None:
    # GIVEN a photo half as high as wide WHEN a detector sees it, and in a square with grey below
    photo = np.random.default_rng(3).integers(0, 256, (1, SIZE // 2, SIZE, 3), dtype=np.uint8)
    square = np.full((1, SIZE, SIZE, 3), 114, np.uint8)
    square[:, : SIZE // 2] = photo
    session = onnxruntime.InferenceSession(convert(focused(), SIZE, {}).SerializeToString())
    boxes, scores = session.run(["boxes", "scores"], {"image": photo})
    all_boxes, all_scores = session.run(["boxes", "scores"], {"image": square})
    # THEN the squares of its upper rows, far from the grey, have the same boxes and scores
    assert boxes.shape == (1, squares_of(SIZE) // 2, 4)
    np.testing.assert_allclose(boxes[:, :16], all_boxes[:, :16], rtol=1e-4)
    np.testing.assert_allclose(scores[:, :16], all_scores[:, :16], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("size", "width", "message"),
    [
        (SIZE // 2, 8, r"has inputs \[\[1, 3, 64, 64\]\]; expected 1 × 3 × 32 × 32"),
        (SIZE, 5, r"has outputs \[\[1, 84, 5\]\]; expected 1 × 84 × \(5 \+ classes\)"),
    ],
)
def test_another_form_is_refused(size: int, width: int, message: str) -> None:
    network = focused()
    network.graph.output[0].type.tensor_type.shape.dim[2].dim_value = width
    with pytest.raises(ModelError, match=message):
        convert(network, size, {})

"""Give a YOLOX detector the input and the outputs of a pack: pixels of a photo in, boxes and scores out.

    image u8 1×S×S×3 RGB ─ NCHW, BGR, float ─ network of the file ─┬ centre + grid, exp(size), × stride ► boxes 1×A×4
                                                                   └ objectness × class             ► scores 1×A×C

The network divides the image into squares of 8, 16 and 32 pixels. For each of the A squares it gives one box, relative
to it (Ge et al. 2021, YOLOX: Exceeding YOLO Series in 2021).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper, version_converter

from chalicelib.errors import ModelError
from model.graph import OPSET, to_model

STRIDES = (8, 16, 32)
_BEFORE_CLASSES = 5  # x, y, width, height, objectness


def grid_of(size: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the left upper corner of each square, in squares, and its side in pixels.

    `size`: side of the image. The results have the shapes (1, A, 2) and (1, A, 1).
    """
    corners, strides = [], []
    for stride in STRIDES:
        across = np.arange(size // stride)
        columns, rows = np.meshgrid(across, across)
        corners.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        strides.append(np.full((len(across) ** 2, 1), stride))
    return (
        np.concatenate(corners)[np.newaxis].astype(np.float32),
        np.concatenate(strides)[np.newaxis].astype(np.float32),
    )


def convert(network: ModelProto, size: int, metadata: Mapping[str, str]) -> ModelProto:
    """Return the ONNX model of a detector pack.

    `network`: YOLOX as its authors export it, with an input of 1 × 3 × size × size. `boxes` are centre x, centre y,
    width and height in pixels of the input. Raise `ModelError` if the network has another form.
    """
    inputs, outputs = network.graph.input, network.graph.output
    corners, strides = grid_of(size)
    squares = corners.shape[1]
    if (found := [_shape(each) for each in inputs]) != [[1, 3, size, size]]:
        raise ModelError(f"the detector has inputs {found}; expected 1 × 3 × {size} × {size}")
    if len(outputs) != 1 or _shape(outputs[0])[:2] != [1, squares] or _shape(outputs[0])[2] <= _BEFORE_CLASSES:
        raise ModelError(
            f"the detector has outputs {[_shape(each) for each in outputs]}; expected 1 × {squares} × (5 + classes)"
        )
    source, raw = inputs[0].name, outputs[0].name
    classes = _shape(outputs[0])[2] - _BEFORE_CLASSES
    graph = version_converter.convert_version(network, OPSET).graph
    constants: dict[str, NDArray[Any]] = {
        "pack.bgr": np.array([2, 1, 0], np.int64),
        "pack.one": np.array(1, np.float32),
        "pack.zero": np.array(0, np.uint8),
        "pack.parts": np.array([2, 2, 1, classes], np.int64),
        "pack.corners": corners,
        "pack.strides": strides,
    }
    before = [
        helper.make_node("Transpose", ["image"], ["pack.channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Gather", ["pack.channels_first", "pack.bgr"], ["pack.pixels"], axis=1),
        # Floats of the same values; a network in int8 then takes the integers as they are.
        helper.make_node("DequantizeLinear", ["pack.pixels", "pack.one", "pack.zero"], [source]),
    ]
    parts = ["pack.centre", "pack.size", "pack.objectness", "pack.classes"]
    after = [
        helper.make_node("Split", [raw, "pack.parts"], parts, axis=2),
        helper.make_node("Add", ["pack.centre", "pack.corners"], ["pack.centre_in_squares"]),
        helper.make_node("Exp", ["pack.size"], ["pack.size_in_squares"]),
        helper.make_node("Concat", ["pack.centre_in_squares", "pack.size_in_squares"], ["pack.boxes"], axis=2),
        helper.make_node("Mul", ["pack.boxes", "pack.strides"], ["boxes"]),
        helper.make_node("Mul", ["pack.objectness", "pack.classes"], ["scores"]),
    ]
    made = helper.make_graph(
        [*before, *graph.node, *after],
        "detector",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, size, size, 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, squares, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, squares, classes]),
        ],
        [*graph.initializer, *(numpy_helper.from_array(value, name) for name, value in constants.items())],
    )
    return to_model(made, "model.detector_graph", metadata)


def _shape(value: Any) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]

"""A small detector that fulfils the contract of docs/how-to/model.md: it sees squares of pure colours.

The image has 8 × 8 pixels, and each pixel is a square of its own. A red one is an animal, a green one a person, a blue
one a vehicle. Each has a box of 2 × 2 pixels around it.
"""

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

SIZE = 8
MANIFEST = """
kind = "detector"
enabled = true
licence = "CC0-1.0"
author = "these tests"

[input]
size = 8

[outputs]
labels = "colours.csv"
"""
LABELS = "output_index,label,subject\n0,red,animal\n1,green,person\n2,blue,vehicle\n"


def tiny_detector_model(size: int = SIZE) -> ModelProto:
    """Return the model. Its scores are the share of a channel in 255 that is above that of the two others."""
    squares = size * size
    rows, columns = np.divmod(np.arange(squares), size)
    boxes = np.stack([columns + 0.5, rows + 0.5, np.full(squares, 2), np.full(squares, 2)], axis=1)
    mixed = (1.5 * np.eye(3) - 0.5) / 255
    constants: dict[str, Any] = {
        "all_boxes": boxes[np.newaxis].astype(np.float32),
        "mixed": mixed.astype(np.float32),
        "shape": np.array([1, squares, 3], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["float", "shape"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "mixed"], ["differences"]),
        helper.make_node("Relu", ["differences"], ["scores"]),
        helper.make_node("Identity", ["all_boxes"], ["boxes"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, size, size, 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, squares, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, squares, 3]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write_detector(folder: Path, model: ModelProto | None = None, labels: str = LABELS) -> Path:
    """Write the detector to `packs` in a folder, and return the path of its manifest."""
    packs = folder / "packs"
    packs.mkdir(exist_ok=True)
    (packs / "colours.onnx").write_bytes((model or tiny_detector_model()).SerializeToString())
    (packs / "colours.csv").write_text(labels)
    (packs / "colours.toml").write_text(MANIFEST)
    return packs / "colours.toml"

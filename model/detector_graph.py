"""Give a YOLOX detector the input and the outputs of a pack: pixels of a photo in, boxes and scores out.

    image u8 1×H×W×3 RGB ─ NCHW, BGR, float ─ network of the file ─┬ centre + grid, exp(size), × stride ► boxes 1×A×4
                                                                   └ objectness × class             ► scores 1×A×C

The network divides the image into squares of 8, 16 and 32 pixels. For each of the A squares it gives one box, relative
to it (Ge et al. 2021, YOLOX: Exceeding YOLO Series in 2021). Height and width are multiples of 32, so that a photo
needs little grey beside it. The slices before the first convolution become part of it, which gives the same boxes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper, version_converter

from chalicelib.errors import ModelError
from model.graph import OPSET, GraphBuilder, to_model

STRIDES = (8, 16, 32)
_BEFORE_CLASSES = 5  # x, y, width, height, objectness
_SLICES: Final = (*["Slice"] * 8, "Concat")  # for each group of pixels: by rows, by columns
_FOCUS: Final = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column, in each square of 2 × 2 pixels, of the four groups of channels that the first convolution sees."""


def grid_of(size: int, stride: int) -> NDArray[np.float32]:
    """Return the column, the row and the side in pixels of each square: shape (1, rows, columns, 3).

    `size`: side of the image in pixels. `stride`: side of a square in pixels.
    """
    across = np.arange(size // stride)
    columns, rows = np.meshgrid(across, across)
    return np.stack([columns, rows, np.full_like(rows, stride)], axis=2)[np.newaxis].astype(np.float32)


def squares_of(size: int) -> int:
    """Return the number of squares for which a detector predicts a box. `size`: side of the image in pixels."""
    return sum((size // stride) ** 2 for stride in STRIDES)


def unfocused(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first convolution's kernels for the image itself.

    `weight`: its kernels for squares of 2 × 2 pixels, in which each pixel is a group of channels.
    """
    kernels = np.zeros((len(weight), 3, 2 * weight.shape[2], 2 * weight.shape[3]), np.float32)
    for group, (row, column) in enumerate(_FOCUS):
        kernels[:, :, row::2, column::2] = weight[:, 3 * group : 3 * group + 3]
    return kernels


def convert(network: ModelProto, size: int, metadata: Mapping[str, str]) -> ModelProto:
    """Return the ONNX model of a detector pack.

    `network`: YOLOX as its authors export it, with an input of 1 × 3 × size × size, the largest that the pack takes.
    The output `boxes` has centre x, centre y, width and height in pixels of the input. Raise `ModelError` if the
    network has another form.
    """
    inputs, outputs = network.graph.input, network.graph.output
    squares = squares_of(size)
    if (shapes := [_shape(each) for each in inputs]) != [[1, 3, size, size]]:
        raise ModelError(f"the detector has inputs {shapes}; expected 1 × 3 × {size} × {size}")
    if len(outputs) != 1 or _shape(outputs[0])[:2] != [1, squares] or _shape(outputs[0])[2] <= _BEFORE_CLASSES:
        shapes = [_shape(each) for each in outputs]
        raise ModelError(f"the detector has outputs {shapes}; expected 1 × {squares} × (5 + classes)")
    source, raw, classes = inputs[0].name, outputs[0].name, _shape(outputs[0])[2] - _BEFORE_CLASSES
    graph = version_converter.convert_version(network, OPSET).graph
    _unfocus(graph, source)
    pack = _Pack()
    pack.add("Transpose", ["image"], "pack.channels_first", perm=[0, 3, 1, 2])
    pack.add("Gather", ["pack.channels_first", pack.whole("bgr", [2, 1, 0])], "pack.pixels", axis=1)
    # Floats of the same values; a network in int8 then takes the integers as they are.
    unit = [pack.constant("pack.one", np.float32(1)), pack.constant("pack.zero", np.uint8(0))]
    pixels = "pack.pixels"
    if graph.node[0].op_type == "SpaceToDepth":
        pixels, source = pack.add("SpaceToDepth", [pixels], "pack.squares", blocksize=2), graph.node[0].output[0]
        del graph.node[0]
    pack.add("DequantizeLinear", [pixels, *unit], source)
    pack.nodes += graph.node
    pack.constants |= {each.name: each for each in graph.initializer}
    pack.split(raw, centre=2, size=2, objectness=1, classes=classes)
    pack.split(pack.grid(size), corners=2, strides=1)
    pack.add("Add", ["pack.centre", "pack.corners"], "pack.centre_in_squares")
    pack.add("Exp", ["pack.size"], "pack.size_in_squares")
    pack.add("Concat", ["pack.centre_in_squares", "pack.size_in_squares"], "pack.boxes", axis=2)
    pack.add("Mul", ["pack.boxes", "pack.strides"], "boxes")
    pack.add("Mul", ["pack.objectness", "pack.classes"], "scores")
    read = {name for each in pack.nodes for name in each.input}
    constants = [each for each in pack.constants.values() if each.name in read]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "H", "W", 3])
    found = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, "A", width])
        for name, width in (("boxes", 4), ("scores", classes))
    ]
    made = helper.make_graph(pack.nodes, "detector", [image], found, constants)
    return to_model(made, "model.detector_graph", metadata)


class _Pack(GraphBuilder):
    """The nodes that a pack adds to a network. The names of their tensors begin with `pack`."""

    def whole(self, name: str, numbers: Sequence[int]) -> str:
        return self.constant(f"pack.{name}", np.array(numbers, np.int64))

    def split(self, tensor: str, **parts: int) -> None:
        """Divide the last axis of a tensor into `parts`: names and lengths."""
        lengths = self.whole(f"{tensor}.parts", [*parts.values()])
        self.nodes.append(helper.make_node("Split", [tensor, lengths], [f"pack.{part}" for part in parts], axis=2))

    def grid(self, size: int) -> str:
        """Add the image's `grid_of`, cut out of the grid of the largest image, whose side is `size`."""
        sides = self.add("Shape", ["image"], "pack.sides", start=1, end=3)
        start, axes, flat = self.whole("start", [0, 0]), self.whole("axes", [1, 2]), self.whole("flat", [1, -1, 3])
        grids = []
        for stride in STRIDES:
            counts = self.add("Div", [sides, self.whole(f"stride{stride}", [stride])], f"pack.counts{stride}")
            grid = self.constant(f"pack.all{stride}", grid_of(size, stride))
            grid = self.add("Slice", [grid, start, counts, axes], f"pack.some{stride}")
            grids.append(self.add("Reshape", [grid, flat], f"pack.grid{stride}"))
        return self.add("Concat", grids, "pack.grid", axis=1)


def _unfocus(graph: GraphProto, source: str) -> None:
    """Make the slices before the first convolution a part of it, if there are any."""
    *slices, first = graph.node[: len(_SLICES) + 1]
    if [each.op_type for each in (*slices, first)] != [*_SLICES, "Conv"]:
        return
    weight = next(each for each in graph.initializer if each.name == first.input[1])
    weight.CopyFrom(numpy_helper.from_array(unfocused(numpy_helper.to_array(weight)), weight.name))
    for attribute in first.attribute:
        if attribute.name in ("kernel_shape", "pads", "strides"):
            attribute.ints[:] = [2 * each for each in attribute.ints]
    first.input[0] = source
    del graph.node[: len(slices)]


def _shape(value: Any) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]

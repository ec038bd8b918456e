"""Give a YOLOX detector the input and the outputs of a pack: pixels of a photo in, boxes and scores out.

    image u8 1×H×W×3 RGB ─ NCHW, BGR, float ─ network of the file ─┬ centre + grid, exp(size), × stride ► boxes 1×A×4
                                                                   └ objectness × class             ► scores 1×A×C

The network divides the image into squares of 8, 16 and 32 pixels. For each of the A squares it gives one box, relative
to it (Ge et al. 2021, YOLOX: Exceeding YOLO Series in 2021). Height and width are multiples of 32, so that a photo
needs little grey beside it. The slices before the first convolution become part of it, which gives the same boxes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper, version_converter

from chalicelib.errors import ModelError
from model.graph import OPSET, GraphBuilder, QuantizableGraph, to_model
from model.network import NORMALISATION, Weights, fold
from model.quantize import ActivationRange

STRIDES = (8, 16, 32)
_BEFORE_CLASSES = 5  # x, y, width, height, objectness
_SLICES: Final = (*["Slice"] * 8, "Concat")  # two for each group of pixels: by rows, by columns
_FOCUS: Final = ((0, 0), (1, 0), (0, 1), (1, 1))
"""Row and column, in each square of 2 × 2 pixels, of the four groups of channels that the first convolution sees."""


def grid_of(size: int, stride: int) -> NDArray[np.float32]:
    """Return each square's column, row and side in pixels: shape (1, rows, columns, 3).

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
    # Floats with the values of the pixels. An int8 network then takes the integers unchanged.
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
    """Merge the slices before the first convolution, if there are any, into the convolution."""
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


_SILU_TURNS: Final = -1.2785
"""The x at which SiLU has its minimum: it falls below this x and rises above."""
_POOL = 5
_SILU_ENDS: Final = -8.0
"""Below this x, SiLU is −0.003 to 0. Layers give x down to −140, which would use up most of the 255 steps."""
_GATE, _PIXELS = ActivationRange(0, 1), ActivationRange(0, 255)


def yolox_tiny(
    weights: Weights, size: int, ranges: Mapping[str, ActivationRange] | None
) -> tuple[ModelProto, list[str]]:
    """Return YOLOX-tiny from its weights, without PyTorch, and the names of its tensors that need a range, in order.

    `size`: side of its image. `ranges`: these tensors' ranges for int8; None for fp32. Raise `KeyError` without one.
    """
    graph = _Tiny(weights, ranges)
    squares, width = squares_of(size), len(weights["head.cls_preds.0.bias"]) + 5
    graph.add("Concat", [graph.head(*level) for level in enumerate(graph.pyramid())], "predictions", axis=2)
    graph.add("Transpose", ["predictions"], "output", perm=[0, 2, 1])
    made = helper.make_graph(
        graph.nodes,
        "yolox",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, size, size])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, squares, width])],
        [*graph.constants.values()],
    )
    return to_model(made, "model.detector_graph", {}), graph.measured


class _Tiny(QuantizableGraph):
    """The unfinished network. Each method returns the name of the tensor that it adds, rounded to its range.

        images 1×3×S×S BGR ─ squares ─ stem ─ dark2 … dark5 ─ pyramid, down and up ─ three heads ► output 1×A×(5 + C)

    Every convolution is followed by batch normalisation, which is folded into it, and by SiLU, x · sigmoid(x). The stem
    sees the four pixels of a square as channels: onnxruntime need not copy integers for a convolution whose channels
    are a multiple of four. In int8, a table has the ranges of convolutions and sums; those of all other tensors follow
    from them. What the heads predict stays in floats: boxes need more than 255 steps.
    """

    def __init__(self, weights: Weights, ranges: Mapping[str, ActivationRange] | None) -> None:
        super().__init__(ranges and {**ranges, "squares": _PIXELS})
        self._layers = weights
        self.measured: list[str] = []

    def rounded(self, tensor: str, range_: ActivationRange | None = None) -> str:
        """Round a tensor to `range_` or, if its range does not follow from other ranges, to its measured range."""
        if range_ is None:
            self.measured.append(tensor)
        if self.ranges is None:
            return tensor
        if range_ is None:
            measured = self.ranges[tensor]
            range_ = ActivationRange(max(measured.low, _SILU_ENDS), measured.high)
        self.ranges[tensor] = range_
        return self.activation(tensor)

    def range_of(self, *tensors: str) -> ActivationRange:
        """Return the range that covers those of several tensors."""
        ranges = [self.ranges[tensor] for tensor in tensors] if self.ranges else [_GATE]
        return ActivationRange(min(each.low for each in ranges), max(each.high for each in ranges))

    def convolution(self, source: str, layer: str, stride: int = 1) -> str:
        """Add a convolution with its normalisation and SiLU."""
        normalisation = (self._layers[f"{layer}.bn.{part}"] for part in NORMALISATION)
        weight, bias = fold(self._layers[f"{layer}.conv.weight"], *normalisation)
        if source == "squares":  # YOLOX orders pixels by columns, SpaceToDepth by rows; the weights are for RGB
            weight = weight.reshape(-1, 4, 3, *weight.shape[2:])[:, [0, 2, 1, 3], ::-1].reshape(weight.shape)
        kernel = int(weight.shape[2])
        inputs = [source, *self.weights(layer, weight, bias, source)]
        sides = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [(kernel - 1) // 2] * 4}
        linear = self.rounded(self.add("Conv", inputs, f"{layer}.linear", **sides))
        gate = self.rounded(self.add("Sigmoid", [linear], f"{layer}.gate"), _GATE)
        return self.rounded(self.add("Mul", [linear, gate], layer), silu_of(self.range_of(linear)))

    def joined(self, name: str, *tensors: str) -> str:
        return self.rounded(self.add("Concat", tensors, name, axis=1), self.range_of(*tensors))

    def stage(self, source: str, layer: str, blocks: int, *, adds: bool) -> str:
        """Add a cross-stage partial layer: half of its channels go through blocks. `adds`: blocks add their input."""
        inner, outer = (self.convolution(source, f"{layer}.conv{number}") for number in (1, 2))
        for block in range(blocks):
            name = f"{layer}.m.{block}"
            changed = self.convolution(self.convolution(inner, f"{name}.conv1"), f"{name}.conv2")
            inner = self.rounded(self.add("Add", [inner, changed], f"{name}.sum")) if adds else changed
        return self.convolution(self.joined(f"{layer}.joined", inner, outer), f"{layer}.conv3")

    def backbone(self) -> tuple[str, str, str]:
        """Add the backbone. Return its features in squares of 8, 16 and 32 pixels."""
        prefix = "backbone.backbone"
        squares = self.add("SpaceToDepth", ["images"], "squares", blocksize=2)
        features = [self.convolution(squares, f"{prefix}.stem.conv")]
        for number, blocks in ((2, 1), (3, 3), (4, 3)):
            reduced = self.convolution(features[-1], f"{prefix}.dark{number}.0", stride=2)
            features.append(self.stage(reduced, f"{prefix}.dark{number}.1", blocks, adds=True))
        last = f"{prefix}.dark5"
        pools = [self.convolution(self.convolution(features[-1], f"{last}.0", stride=2), f"{last}.1.conv1")]
        for number in range(3):  # three times 5 × 5 sees as far as 13 × 13
            sides = {"kernel_shape": [_POOL] * 2, "pads": [_POOL // 2] * 4}
            pooled = self.add("MaxPool", pools[-1:], f"{last}.pool{number}", **sides)
            pools.append(self.rounded(pooled, self.range_of(pools[0])))
        deepest = self.convolution(self.joined(f"{last}.pools", *pools), f"{last}.1.conv2")
        return features[-2], features[-1], self.stage(deepest, f"{last}.2", 1, adds=False)

    def pyramid(self) -> tuple[str, str, str]:
        """Add the pyramid: it passes features from wide squares to narrow ones and back. Return all three by width."""
        fine, middle, coarse = self.backbone()
        coarse = self.convolution(coarse, "backbone.lateral_conv0")
        middle = self.stage(self.joined("middle.down", self.doubled(coarse), middle), "backbone.C3_p4", 1, adds=False)
        middle = self.convolution(middle, "backbone.reduce_conv1")
        fine = self.stage(self.joined("fine.down", self.doubled(middle), fine), "backbone.C3_p3", 1, adds=False)
        halved = self.convolution(fine, "backbone.bu_conv2", stride=2)
        middle = self.stage(self.joined("middle.up", halved, middle), "backbone.C3_n3", 1, adds=False)
        halved = self.convolution(middle, "backbone.bu_conv1", stride=2)
        return fine, middle, self.stage(self.joined("coarse.up", halved, coarse), "backbone.C3_n4", 1, adds=False)

    def doubled(self, source: str) -> str:
        """Repeat each value in a square of 2 × 2."""
        scales = self.constant("twice", np.array([1, 1, 2, 2], np.float32))
        how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        doubled = self.add("Resize", [source, "", scales], f"{source}.doubled", **how)
        return self.rounded(doubled, self.range_of(source))

    def head(self, level: int, features: str) -> str:
        """Add one of the heads. Return its predictions, in floats: box, objectness and classes of each square."""
        stem = self.convolution(features, f"head.stems.{level}")
        shown, placed = (
            self.convolution(self.convolution(stem, f"head.{part}_convs.{level}.0"), f"head.{part}_convs.{level}.1")
            for part in ("cls", "reg")
        )
        box, objectness, classes = (
            self.prediction(source, f"head.{part}_preds.{level}")
            for part, source in (("reg", placed), ("obj", placed), ("cls", shown))
        )
        shares = [self.add("Sigmoid", [each], f"{each}.share") for each in (objectness, classes)]
        predicted = self.add("Concat", [box, *shares], f"head.{level}", axis=1)
        flat = self.constant("flat", np.array([0, 0, -1], np.int64))
        return self.add("Reshape", [predicted, flat], f"head.{level}.flat")

    def prediction(self, source: str, layer: str) -> str:
        parts = [self.constant(f"{layer}.{part}", self._layers[f"{layer}.{part}"]) for part in ("weight", "bias")]
        return self.add("Conv", [source, *parts], layer, kernel_shape=[1, 1])


def silu_of(linear: ActivationRange) -> ActivationRange:
    """Return the range of x · sigmoid(x)."""
    low, high = (each / (1 + math.exp(-each)) for each in (max(linear.low, _SILU_TURNS), linear.high))
    return ActivationRange(low, high)

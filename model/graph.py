"""Build the ONNX graph of a network, from the photo's pixels to calibrated probabilities.

    image u8 N×S×S×3 ─ transpose ─ (x−127)/128 ─ network ─ ÷ T ┬ softmax ─ share of animals ► animal_probability
                                              │    N×1000      └ animals ┬ softmax ► vision_probabilities
                                              ├─ pooled ► features       │
                                              └─ ⋅ weights of the likeliest animal ► activation_map
    prior f32 N×A ─ log ─────────────────────────────────────────────────┴ + ─ softmax ► probabilities

`activation_map` says where in the image the likeliest animal is: what each square of it adds to that animal's logit,
but for a factor and the bias (Zhou et al. 2016, "Learning Deep Features for Discriminative Localization").

`probabilities` is `vision_probabilities` × prior, normalised to a sum of 1. The graph adds logarithms instead of
multiplying: softmax subtracts the largest sum, so even a tiny prior does not underflow. A prior of ones adds log 1 = 0,
so both outputs are then identical.

With activation ranges the network is int8: onnxruntime fuses pairs of QuantizeLinear and DequantizeLinear into integer
kernels, and the saturation of u8 replaces ReLU6. In int8 and in fp32, a DequantizeLinear with scale 1/128 and zero
point 127 normalises the pixels to exactly (x−127)/128.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, checker, helper, numpy_helper

from chalicelib.model.session import ACTIVATION_MAP, FEATURES
from model.network import INPUT_SIZE, Convolution, Network
from model.quantize import ActivationRange, quantize_bias, quantize_weights

OPSET = 17
IR_VERSION = 8
MIN_PRIOR = 1e-30  # replaces 0, whose logarithm is infinite

_PIXELS = ActivationRange(-127 / 128, 128 / 128)


class GraphBuilder:
    """The nodes and constants of an unfinished graph. Each method returns the name of the tensor that it adds."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        # Not `ascontiguousarray`, which turns a scalar into a vector: a scale must be a scalar.
        self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], output, **attributes))
        return output

    def parameters(self, tensor: str, scale: np.float32, zero: int | np.uint8) -> list[str]:
        """Add the scale and the zero point of a tensor, and return their names."""
        return [self.constant(f"{tensor}.scale", scale), self.constant(f"{tensor}.zero", np.uint8(zero))]

    def channels(self, name: str, values: NDArray[np.integer], scales: NDArray[np.float32]) -> str:
        """Add `values`, each to be multiplied by the scale of its output channel. The channels are the first axis."""
        parts = {"integers": values, "scales": scales, "zeros": np.zeros(len(scales), values.dtype)}
        inputs = [self.constant(f"{name}.{part}", value) for part, value in parts.items()]
        return self.add("DequantizeLinear", inputs, name, axis=0)

    def quantized(self, layer: Mapping[str, NDArray[np.float32]], scale: np.float32, step: float = 0.0) -> list[str]:
        """Add a layer's weight in 8 bits and its bias in 32 bits, under their names. Return the names.

        `scale`: scale of the layer's input. `step`: as for `quantize_weights`.
        """
        (weight_name, weight), (bias_name, bias) = layer.items()
        found = quantize_weights(weight, step)
        products = found.scales * scale
        weight_name = self.channels(weight_name, found.values, found.scales)
        return [weight_name, self.channels(bias_name, quantize_bias(bias, products), products)]


def to_model(graph: GraphProto, producer: str, metadata: Mapping[str, str], opset: int = OPSET) -> ModelProto:
    """Return a graph as a model that the ONNX checker accepts. `producer`: the module that made it."""
    opsets = [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=f"faunalens {producer}")
    helper.set_model_props(model, dict(metadata))
    checker.check_model(model, full_check=True)
    return model


class QuantizableGraph(GraphBuilder):
    """The graph of a network: int8 if there are `ranges` of its tensors by name, else fp32."""

    def __init__(self, ranges: Mapping[str, ActivationRange] | None) -> None:
        super().__init__()
        self.ranges = None if ranges is None else dict(ranges)

    def activation(self, tensor: str, name: str | None = None) -> str:
        """Quantise `tensor` with the range of the tensor `name` (default: `tensor`). In fp32, add nothing.

        The tensor that is returned has this range too.
        """
        if self.ranges is None:
            return tensor
        range_ = self.ranges[name or tensor]
        parameters = self.parameters(tensor, range_.scale, range_.zero_point)
        self.add("QuantizeLinear", [tensor, *parameters], f"{tensor}.u8")
        self.ranges[f"{tensor}.quantized"] = range_
        return self.add("DequantizeLinear", [f"{tensor}.u8", *parameters], f"{tensor}.quantized")

    def weights(self, name: str, weight: NDArray[np.float32], bias: NDArray[np.float32], source: str) -> list[str]:
        """Add the weight and bias of the layer `name`, and return their names. `source`: the layer's input."""
        if self.ranges is None:
            return [self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.quantized({f"{name}.weight": weight, f"{name}.bias": bias}, self.ranges[source].scale)


def build_graph(
    network: Network,
    animals: int,
    temperature: float,
    ranges: Mapping[str, ActivationRange] | None,
    metadata: Mapping[str, str],
) -> ModelProto:
    """Build the whole model: int8 if there are `ranges`, else fp32. Raise `KeyError` if a tensor has no range in them.

    The first `animals` classes are the animals. `temperature` divides the logits.
    """
    graph = QuantizableGraph(ranges and {**ranges, "pixels.float": _PIXELS})
    graph.add("Transpose", ["image"], "pixels", perm=[0, 3, 1, 2])
    parameters = graph.parameters("pixels", np.float32(1 / 128), 127)
    graph.add("DequantizeLinear", ["pixels", *parameters], "pixels.float")
    features, size = _add_convolution(graph, network.stem, "pixels.float", INPUT_SIZE)
    for block in network.blocks:
        shortcut = features
        for layer in block.convolutions:
            features, size = _add_convolution(graph, layer, features, size)
        if block.residual:
            features = graph.activation(graph.add("Add", [shortcut, features], f"{block.name}.sum"))
    features, size = _add_convolution(graph, network.head, features, size)
    _add_outputs(graph, _add_classifier(graph, network, features), animals, temperature)
    _add_activation_map(graph, network.head.name, size)
    tensor, floats = helper.make_tensor_value_info, TensorProto.FLOAT
    image: list[str | int | None] = ["N", INPUT_SIZE, INPUT_SIZE, 3]
    inputs = [tensor("image", TensorProto.UINT8, image), tensor("prior", floats, ["N", animals])]
    outputs = [
        tensor("probabilities", floats, ["N", animals]),
        tensor("vision_probabilities", floats, ["N", animals]),
        tensor("animal_probability", floats, ["N"]),
        tensor(FEATURES, floats, ["N", network.classifier.shape[1]]),
        tensor(ACTIVATION_MAP, floats, ["N", size, size]),
    ]
    made = helper.make_graph(graph.nodes, "faunalens", inputs, outputs, [*graph.constants.values()])
    return to_model(made, "model.build", metadata)


def intermediate_tensors(network: Network) -> list[str]:
    """Return the names of the fp32 graph's tensors that need a range, in order."""
    names = [network.stem.name]
    for block in network.blocks:
        names += [each.name for each in block.convolutions]
        names += [f"{block.name}.sum"] if block.residual else []
    return [*names, network.head.name, "pool"]


def _add_convolution(graph: QuantizableGraph, layer: Convolution, source: str, size: int) -> tuple[str, int]:
    """Add a convolution with its activation. Return the name of the output tensor, and its side in pixels.

    `size`: side of the tensor `source`.
    """
    before, after = layer.padding(size)
    inputs = [source, *graph.weights(layer.name, layer.weight, layer.bias, source)]
    fp32_relu6 = layer.relu6 and graph.ranges is None
    output = f"{layer.name}.linear" if fp32_relu6 else layer.name
    sides = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2}
    graph.add("Conv", inputs, output, **sides, pads=[before, before, after, after], group=layer.groups)
    if fp32_relu6:
        limits = [graph.constant(f"{layer.name}.{end}", np.float32(at)) for end, at in (("least", 0), ("most", 6))]
        output = graph.add("Clip", [output, *limits], layer.name)
    return graph.activation(output), -(-size // layer.stride)


def _add_classifier(graph: QuantizableGraph, network: Network, features: str) -> str:
    """Add pooling, which gives the features, and the classifier. Return the name of the logits.

    The logits stay floats, because 8 bits are too coarse for them.
    """
    pooled = graph.activation(graph.add("GlobalAveragePool", [features], "pool"))
    flat = graph.add("Flatten", [pooled], "flat")
    if graph.ranges is None:
        graph.add("Identity", [flat], FEATURES)
    flat = graph.activation(flat, "pool")
    if graph.ranges is not None:  # a separate node, so that the classifier's own stays an integer kernel
        graph.add("DequantizeLinear", ["flat.u8", "flat.scale", "flat.zero"], FEATURES)
    weights = graph.weights("classifier", network.classifier, network.classifier_bias, flat)
    return graph.add("Gemm", [flat, *weights], "logits", transB=1)


def _add_outputs(graph: QuantizableGraph, logits: str, animals: int, temperature: float) -> None:
    numbers = {"animals.first": 0, "animals.stop": animals, "classes.axis": 1}
    first, stop, classes = (graph.constant(name, np.array([each], np.int64)) for name, each in numbers.items())
    sharpness = graph.constant("temperature.inverse", np.float32(1 / temperature))
    scores = graph.add("Mul", [logits, sharpness], "calibrated_logits")

    shares = graph.add("Softmax", [scores], "class_probabilities", axis=1)
    shares = graph.add("Slice", [shares, first, stop, classes], "animal_shares")
    graph.add("ReduceSum", [shares, classes], "animal_probability", keepdims=0)

    scores = graph.add("Slice", [scores, first, stop, classes], "animal_scores")
    graph.add("Softmax", [scores], "vision_probabilities", axis=1)

    least = graph.constant("prior.least", np.float32(MIN_PRIOR))
    weights = graph.add("Log", [graph.add("Max", ["prior", least], "prior.positive")], "prior.logarithm")
    graph.add("Softmax", [graph.add("Add", [scores, weights], "posterior_logits")], "probabilities", axis=1)


def _add_activation_map(graph: QuantizableGraph, head: str, size: int) -> None:
    """Add the activation map of `size` × `size` squares. In int8 it uses the integers, so that no node runs twice."""
    is_int8 = graph.ranges is not None
    likeliest = graph.add("ArgMax", ["vision_probabilities"], "likeliest", axis=1, keepdims=1)
    weights = graph.add("Gather", [f"classifier.weight{'.integers' * is_int8}", likeliest], "likeliest.weights", axis=0)
    squares = graph.constant("squares", np.array([0, 0, -1], np.int64))
    values = graph.add("Reshape", [f"{head}{'.u8' * is_int8}", squares], "head.flat")
    weights, values = (graph.add("Cast", [each], f"{each}.float", to=TensorProto.FLOAT) for each in (weights, values))
    sums = graph.add("MatMul", [weights, values], "head.sums")
    shape = graph.constant("map.shape", np.array([-1, size, size], np.int64))
    graph.add("Reshape", [sums, shape], ACTIVATION_MAP)

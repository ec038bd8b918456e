"""Convert a quantised TensorFlow Lite classifier to ONNX, from the photo's pixels to calibrated probabilities.

    image u8 N×S×S×3 ─ network of the file, in 8 bits ─ logits N×C ─ without background ─ ÷ T ─ softmax ► probabilities

Weights become s8 with zero point 0, for which onnxruntime's convolution is two to three times as fast as for u8. Nearly
all channels keep their integers; those that do not fit, or whose products would saturate on processors without VNNI
(`quantize_weights`), get a larger scale of their own.

onnxruntime fuses QuantizeLinear and DequantizeLinear with the operator between them into one integer kernel. The
saturation of u8 replaces ReLU and ReLU6, as in the file. Leaving `background` out of the logits gives the same
probabilities as setting its probability to zero.

`tflite` parses the file. The conversion refuses what it does not know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from chalicelib.errors import ModelError
from model.graph import GraphBuilder, to_model
from model.network import same_padding

_IDENTIFIER = b"TFL3"
_DTYPES: dict[int, np.dtype[Any]] = {tflite.TensorType.UINT8: np.dtype("u1"), tflite.TensorType.INT32: np.dtype("<i4")}
_KINDS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if name.isupper()}
_KIND_OF_ACTIVATION = tflite.ActivationFunctionType
_ACTIVATIONS = {_KIND_OF_ACTIVATION.NONE: "", _KIND_OF_ACTIVATION.RELU: "relu", _KIND_OF_ACTIVATION.RELU6: "relu6"}
OPTIONS: dict[str, Any] = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "ADD": tflite.AddOptions,
    "AVERAGE_POOL_2D": tflite.Pool2DOptions,
    "FULLY_CONNECTED": tflite.FullyConnectedOptions,
    "SOFTMAX": tflite.SoftmaxOptions,
}
"""The operators that are converted, each with the class of its options, whose generated code has no type hints."""
_STEPS = 255
_RELU6 = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of integers: real value = `scale` × (integer − `zero_point`). `values`: None unless it is constant."""

    name: str
    shape: tuple[int, ...]
    values: NDArray[Any] | None
    scale: np.float32
    zero_point: int


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """An operator. `kind`: its name in TensorFlow Lite. `options`: an instance of its class in `OPTIONS`."""

    kind: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    options: Any


def read_network(path: Path) -> list[Operator]:
    """Return the operators of a TensorFlow Lite file, from the one that reads the image to the last.

    Raise `ModelError` if the file is something else, is not a chain from one input to one output, or has types or
    operators that are not converted.
    """
    data = path.read_bytes()
    if data[4:8] != _IDENTIFIER:
        raise ModelError(f"{path.name} is not a TensorFlow Lite file; expected {_IDENTIFIER.decode()} after 4 bytes")
    model = tflite.Model.GetRootAs(data)
    if model.SubgraphsLength() != 1:
        raise ModelError(f"{path.name} has {model.SubgraphsLength()} graphs; expected one")
    graph = model.Subgraphs(0)
    if (found := (graph.InputsLength(), graph.OutputsLength())) != (1, 1):
        raise ModelError(f"{path.name} has {found[0]} inputs and {found[1]} outputs; expected one of each")
    return [_operator(model, graph, graph.Operators(index)) for index in range(graph.OperatorsLength())]


def _operator(model: Any, graph: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Files of before 2020 have the number of the operator in the deprecated field, and newer ones in both if it fits.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = _KINDS.get(number, str(number))
    if kind not in OPTIONS:
        raise ModelError(f"operator {kind} is not converted; expected one of {', '.join(OPTIONS)}")
    inputs = tuple(_tensor(model, graph, index) for index in operator.InputsAsNumpy().tolist())
    table, options = operator.BuiltinOptions(), OPTIONS[kind]()
    options.Init(table.Bytes, table.Pos)
    return Operator(kind, inputs, _tensor(model, graph, int(operator.Outputs(0))), options)


def _tensor(model: Any, graph: Any, index: int) -> Tensor:
    tensor = graph.Tensors(index)
    name, quantization = tensor.Name().decode(), tensor.Quantization()
    dtype = _DTYPES.get(tensor.Type())
    if dtype is None:
        raise ModelError(f"tensor {name} has type {tensor.Type()} of TensorFlow Lite; expected uint8 or int32")
    if quantization is None or quantization.ScaleLength() != 1 or quantization.ZeroPointLength() != 1:
        raise ModelError(f"tensor {name} has no single scale and zero point; expected one for the whole tensor")
    shape = tuple(tensor.ShapeAsNumpy().tolist())
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    is_constant = isinstance(data, np.ndarray) and data.size > 0
    values = np.frombuffer(data.tobytes(), dtype).reshape(shape) if is_constant else None
    return Tensor(name, shape, values, np.float32(quantization.Scale(0)), int(quantization.ZeroPoint(0)))


class _Graph(GraphBuilder):
    """A graph with activations in NCHW order, whose tensors have the names of the file."""

    def real(self, tensor: Tensor) -> str:
        """Return the name of a tensor's values as floats, after dequantisation."""
        return f"{tensor.name}.real"

    def quantize(self, name: str, tensor: Tensor) -> str:
        """Round the output `name` of an operator to the integers of `tensor`."""
        self.add("QuantizeLinear", [name, *self.parameters(tensor.name, tensor.scale, tensor.zero_point)], tensor.name)
        return self.dequantize(tensor)

    def dequantize(self, tensor: Tensor) -> str:
        parameters = self.parameters(tensor.name, tensor.scale, tensor.zero_point)
        return self.add("DequantizeLinear", [tensor.name, *parameters], self.real(tensor))

    def weights(self, source: Tensor, weight: Tensor, bias: Tensor, kernels: NDArray[Any]) -> list[str]:
        """Add the weight and bias of an operator that reads `source`. `kernels`: the weight, output channels first."""
        real = (kernels.astype(np.float32) - weight.zero_point) * weight.scale
        layer = {self.real(weight): real, self.real(bias): (_values(bias) * bias.scale).astype(np.float32)}
        return self.quantized(layer, source.scale, float(weight.scale))


def convert(
    operators: Sequence[Operator], temperature: float, background: int | None, metadata: Mapping[str, str]
) -> ModelProto:
    """Return the ONNX model of a classifier.

    `temperature` divides the logits. `background`: index of the output for photos of nothing in particular; it must be
    the last one. `metadata`: properties of the model. Raise `ModelError` if a part of the network is not converted.
    """
    *body, softmax = operators
    if softmax.kind != "SOFTMAX":
        raise ModelError(f"the last operator is {softmax.kind}; expected SOFTMAX, the end of a classifier")
    if (beta := softmax.options.Beta()) != 1:
        raise ModelError(f"{softmax.output.name} is a softmax with β = {beta}; expected 1")
    image = operators[0].inputs[0]
    if len(image.shape) != 4 or image.shape[1] != image.shape[2] or image.shape[3] != 3:
        raise ModelError(f"the input has shape {image.shape}; expected 1 × S × S × 3")
    graph = _Graph()
    graph.add("Transpose", ["image"], image.name, perm=[0, 3, 1, 2])
    graph.dequantize(image)
    for operator in body:
        _CONVERSIONS[operator.kind](graph, operator)
    outputs = _add_probabilities(graph, softmax.inputs[0], temperature, background)
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", *image.shape[1:]])]
    shares = [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", outputs])]
    made = helper.make_graph(graph.nodes, "classifier", inputs, shares, [*graph.constants.values()])
    return to_model(made, "model.tflite_to_onnx", metadata)


def _add_convolution(graph: _Graph, operator: Operator) -> None:
    (source, weight, bias), options = operator.inputs, operator.options
    if (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
        raise ModelError(f"{operator.output.name} is a dilated convolution, which is not converted")
    depthwise = operator.kind == "DEPTHWISE_CONV_2D"
    # From (out, height, width, in), or (1, height, width, out) of a depthwise convolution, to (out, in, height, width).
    kernels = _values(weight).transpose((3, 0, 1, 2) if depthwise else (0, 3, 1, 2))
    channels = source.shape[3]
    if depthwise and len(kernels) != channels:
        raise ModelError(f"{operator.output.name} has {len(kernels)} kernels for {channels} channels; expected as many")
    sides, strides = kernels.shape[2:], (options.StrideH(), options.StrideW())
    pairs = [
        same_padding(size, side, stride) if options.Padding() == tflite.Padding.SAME else (0, 0)
        for size, side, stride in zip(source.shape[1:3], sides, strides, strict=True)
    ]
    pads = [*(before for before, _ in pairs), *(after for _, after in pairs)]
    inputs = [graph.real(source), *graph.weights(source, weight, bias, kernels)]
    moves = {"kernel_shape": list(sides), "strides": list(strides), "pads": pads, "group": channels if depthwise else 1}
    _finish(graph, operator, graph.add("Conv", inputs, f"{operator.output.name}.linear", **moves))


def _add_sum(graph: _Graph, operator: Operator) -> None:
    reals = [graph.real(tensor) for tensor in operator.inputs]
    _finish(graph, operator, graph.add("Add", reals, f"{operator.output.name}.linear"))


def _add_mean(graph: _Graph, operator: Operator) -> None:
    (source,), options = operator.inputs, operator.options
    window = options.FilterHeight(), options.FilterWidth()
    if window != source.shape[1:3] or options.Padding() == tflite.Padding.SAME:
        raise ModelError(f"{operator.output.name} pools parts of the image; only a mean of the whole is converted")
    _finish(graph, operator, graph.add("GlobalAveragePool", [graph.real(source)], f"{operator.output.name}.linear"))


def _add_connected(graph: _Graph, operator: Operator) -> None:
    source, weight, bias = operator.inputs
    if source.shape[1:3] != (1, 1) and len(source.shape) != 2:
        raise ModelError(f"{operator.output.name} reads an image of {source.shape}; expected 1 × 1 × 1 × channels")
    flat = replace(source, name=f"{source.name}.flat")
    graph.add("Flatten", [graph.real(source)], f"{flat.name}.floats")
    graph.quantize(f"{flat.name}.floats", flat)  # exact, and lets onnxruntime multiply integers
    names = [graph.real(flat), *graph.weights(source, weight, bias, _values(weight))]
    _finish(graph, operator, graph.add("Gemm", names, f"{operator.output.name}.linear", transB=1))


_CONVERSIONS = {
    "CONV_2D": _add_convolution,
    "DEPTHWISE_CONV_2D": _add_convolution,
    "ADD": _add_sum,
    "AVERAGE_POOL_2D": _add_mean,
    "FULLY_CONNECTED": _add_connected,
}


def _finish(graph: _Graph, operator: Operator, result: str) -> None:
    """Round the result to the integers of the output, whose range must also apply the activation."""
    output, number = operator.output, operator.options.FusedActivationFunction()
    if number not in _ACTIVATIONS:
        raise ModelError(f"activation {number} of TensorFlow Lite is not converted; expected none, ReLU or ReLU6")
    activation = _ACTIVATIONS[number]
    least = float(output.scale) * -output.zero_point
    most = float(output.scale) * (_STEPS - output.zero_point)
    largest = _RELU6 + float(output.scale) / 2
    if (activation and least < 0) or (activation == "relu6" and most > largest):
        limits = f"beyond the limits of its {activation}"
        raise ModelError(f"values of {output.name} go from {least:.2f} to {most:.2f}, {limits}")
    graph.quantize(result, output)


def _add_probabilities(graph: _Graph, logits: Tensor, temperature: float, background: int | None) -> int:
    """Add the end of the graph, and return the number of probabilities."""
    scores, outputs = graph.real(logits), logits.shape[1]
    if background is not None:
        if background != outputs - 1:
            raise ModelError(f"background is output {background} of {outputs}; expected the last one, {outputs - 1}")
        outputs -= 1
        numbers = {"first": 0, "stop": outputs, "axis": 1}
        limits = [graph.constant(f"background.{name}", np.array([each], np.int64)) for name, each in numbers.items()]
        scores = graph.add("Slice", [scores, *limits], "logits.without_background")
    sharpness = graph.constant("temperature.inverse", np.float32(1 / temperature))
    graph.add("Softmax", [graph.add("Mul", [scores, sharpness], "calibrated_logits")], "probabilities", axis=1)
    return outputs


def _values(tensor: Tensor) -> NDArray[Any]:
    if tensor.values is None:
        raise ModelError(f"{tensor.name} is computed; expected constant weights")
    return tensor.values

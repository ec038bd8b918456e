"""Read a quantised network from a TensorFlow Lite file: its operators in order, with their tensors.

`tflite` parses the file. This module keeps what the conversion needs, and refuses whatever it does not know.
"""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from chalicelib.errors import ModelError

_IDENTIFIER = b"TFL3"
_DTYPES: dict[int, np.dtype[Any]] = {tflite.TensorType.UINT8: np.dtype("u1"), tflite.TensorType.INT32: np.dtype("<i4")}
_KINDS = {
    value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int) and name.isupper()
}
_ACTIVATIONS = {
    tflite.ActivationFunctionType.NONE: "",
    tflite.ActivationFunctionType.RELU: "relu",
    tflite.ActivationFunctionType.RELU6: "relu6",
}
_OPTIONS: dict[str, Any] = {
    "CONV_2D": tflite.Conv2DOptions,
    "DEPTHWISE_CONV_2D": tflite.DepthwiseConv2DOptions,
    "ADD": tflite.AddOptions,
    "AVERAGE_POOL_2D": tflite.Pool2DOptions,
    "FULLY_CONNECTED": tflite.FullyConnectedOptions,
    "SOFTMAX": tflite.SoftmaxOptions,
}
"""The operators that are converted, and the generated code, which has no types, for the options of each."""


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of integers: real value = `scale` × (integer − `zero_point`). `values`: only if it is constant."""

    name: str
    shape: tuple[int, ...]
    values: NDArray[Any] | None
    scale: np.float32
    zero_point: int


@dataclass(frozen=True, slots=True)
class Window:
    """How a kernel moves over an image. `same`: the padding of TensorFlow's SAME; otherwise there is none.

    `strides`: (height, width). `size`: the same for a pooling; a convolution has it in the shape of its weights.
    """

    same: bool
    strides: tuple[int, int]
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Operator:
    """An operator. `kind`: its name in TensorFlow Lite. `activation`: relu, relu6, or empty."""

    kind: str
    inputs: tuple[Tensor, ...]
    output: Tensor
    activation: str = ""
    window: Window = field(default=Window(False, (1, 1)))


def read_network(path: Path) -> list[Operator]:
    """Return the operators of a TensorFlow Lite file, from the one that reads the image to the last.

    Raise `ModelError` if the file is damaged, is not a chain from one input to one output, or has types, operators or
    options that are not converted.
    """
    data = path.read_bytes()
    if data[4:8] != _IDENTIFIER:
        raise ModelError(f"{path.name} is not a TensorFlow Lite file; expected {_IDENTIFIER.decode()} after 4 bytes")
    try:
        model = tflite.Model.GetRootAs(data)
        if model.SubgraphsLength() != 1:
            raise ModelError(f"{path.name} has {model.SubgraphsLength()} graphs; expected one")
        graph = model.Subgraphs(0)
        if graph.InputsLength() != 1 or graph.OutputsLength() != 1:
            raise ModelError(
                f"{path.name} has {graph.InputsLength()} inputs and {graph.OutputsLength()} outputs; "
                "expected one of each"
            )
        return [_operator(model, graph, graph.Operators(index)) for index in range(graph.OperatorsLength())]
    except (struct.error, TypeError, IndexError, ValueError, AttributeError) as error:  # of flatbuffers and NumPy
        raise ModelError(f"{path.name} is damaged ({error}); get it again") from error


def _operator(model: Any, graph: Any, operator: Any) -> Operator:
    code = model.OperatorCodes(operator.OpcodeIndex())
    # Files of before 2020 have the number of the operator in the deprecated field, and newer ones in both if it fits.
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = _KINDS.get(number, str(number))
    if kind not in _OPTIONS:
        raise ModelError(f"operator {kind} is not converted; expected one of {', '.join(_OPTIONS)}")
    inputs = tuple(_tensor(model, graph, index) for index in operator.InputsAsNumpy().tolist())
    output = _tensor(model, graph, int(operator.Outputs(0)))
    table, options = operator.BuiltinOptions(), _OPTIONS[kind]()
    options.Init(table.Bytes, table.Pos)
    if kind == "SOFTMAX":
        if (beta := options.Beta()) != 1:
            raise ModelError(f"{output.name} is a softmax with β = {beta}; expected 1")
        return Operator(kind, inputs, output)
    if kind.endswith("CONV_2D") and (options.DilationHFactor(), options.DilationWFactor()) != (1, 1):
        raise ModelError(f"{output.name} is a dilated convolution, which is not converted")
    activation = options.FusedActivationFunction()
    if activation not in _ACTIVATIONS:
        raise ModelError(f"activation {activation} of TensorFlow Lite is not converted; expected none, ReLU or ReLU6")
    if not kind.endswith("_2D"):
        return Operator(kind, inputs, output, _ACTIVATIONS[activation])
    size = (options.FilterHeight(), options.FilterWidth()) if kind == "AVERAGE_POOL_2D" else (0, 0)
    window = Window(options.Padding() == tflite.Padding.SAME, (options.StrideH(), options.StrideW()), size)
    return Operator(kind, inputs, output, _ACTIVATIONS[activation], window)


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
    return Tensor(
        name,
        shape,
        np.frombuffer(data.tobytes(), dtype).reshape(shape) if is_constant else None,
        np.float32(quantization.Scale(0)),
        int(quantization.ZeroPoint(0)),
    )

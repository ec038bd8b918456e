"""A small quantised TensorFlow Lite classifier of all operators that the conversion knows, and its arithmetic in NumPy.

Its weights are random. Tests change one part of it to get a file that is not converted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from model.tflite_to_onnx import OPTIONS

SIZE, CHANNELS, CLASSES = 12, 4, 6
U8, I32 = tflite.TensorType.UINT8, tflite.TensorType.INT32
SAME, VALID = tflite.Padding.SAME, tflite.Padding.VALID
NONE, RELU6, TANH = (getattr(tflite.ActivationFunctionType, name) for name in ("NONE", "RELU6", "TANH"))
_RELU6_SCALE = 6 / 255
_ROOM = 4096


@dataclass(frozen=True)
class TinyTensor:
    """A tensor of the file. `values`: the integers of a constant."""

    name: str
    shape: tuple[int, ...]
    scale: float
    zero: int = 0
    values: NDArray[Any] | None = None
    type: int = U8

    @property
    def real(self) -> NDArray[np.float64]:
        """Return the real values of a constant."""
        assert self.values is not None
        return (self.values.astype(np.float64) - self.zero) * self.scale

    def rounded(self, real: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round real values to the integers of this tensor, and return them as real values."""
        return (np.rint(real / self.scale + self.zero).clip(0, 255) - self.zero) * self.scale


@dataclass(frozen=True)
class TinyOperator:
    """An operator of the file. `options`: the fields of its options by name."""

    kind: str
    inputs: tuple[TinyTensor, ...]
    output: TinyTensor
    options: dict[str, int | float] = field(default_factory=dict)


def tiny_operators(farthest: int = 60) -> list[TinyOperator]:
    """Return the operators of the network, from the image to the probabilities of five classes and background.

    `farthest`: difference between an integer of the weights and their zero point, at most.
    """
    random = np.random.default_rng(7)

    def weights(name: str, shape: tuple[int, ...]) -> TinyTensor:
        values = random.integers(120 - farthest, 121 + farthest, shape, dtype=np.uint8)
        return TinyTensor(name, shape, 0.01, 120, values)

    def bias(name: str, count: int, source: TinyTensor) -> TinyTensor:
        values = random.integers(-500, 500, count, dtype=np.int32)
        return TinyTensor(name, (count,), float(np.float32(source.scale) * np.float32(0.01)), 0, values, I32)

    half = SIZE // 2
    image = TinyTensor("image_in", (1, SIZE, SIZE, 3), 1 / 128, 128)
    first = TinyTensor("first", (1, half, half, CHANNELS), _RELU6_SCALE)
    second = TinyTensor("second", (1, half, half, CHANNELS), 0.05, 120)
    total = TinyTensor("total", (1, half, half, CHANNELS), 0.06, 100)
    pooled = TinyTensor("pooled", (1, 1, 1, CHANNELS), 0.06, 100)
    logits = TinyTensor("logits", (1, CLASSES), 0.05, 110)
    once = {"Padding": SAME, "StrideH": 1, "StrideW": 1, "DilationHFactor": 1, "DilationWFactor": 1}
    twice = {**once, "StrideH": 2, "StrideW": 2, "FusedActivationFunction": RELU6}
    whole = {"Padding": VALID, "StrideH": 1, "StrideW": 1, "FilterHeight": half, "FilterWidth": half}
    to_first = image, weights("w1", (CHANNELS, 3, 3, 3)), bias("b1", CHANNELS, image)
    to_second = first, weights("w2", (1, 3, 3, CHANNELS)), bias("b2", CHANNELS, first)
    to_logits = pooled, weights("w3", (CLASSES, CHANNELS)), bias("b3", CLASSES, pooled)
    return [
        TinyOperator("CONV_2D", to_first, first, twice),
        TinyOperator("DEPTHWISE_CONV_2D", to_second, second, {**once, "DepthMultiplier": 1}),
        TinyOperator("ADD", (first, second), total),
        TinyOperator("AVERAGE_POOL_2D", (total,), pooled, whole),
        TinyOperator("FULLY_CONNECTED", to_logits, logits),
        TinyOperator("SOFTMAX", (logits,), TinyTensor("shares", (1, CLASSES), 1 / 256), {"Beta": 1.0}),
    ]


def changed(operators: Sequence[TinyOperator], kind: str, **options: Any) -> list[TinyOperator]:
    """Return the operators with other options for those of one kind."""
    return [replace(each, options={**each.options, **options}) if each.kind == kind else each for each in operators]


def tflite_bytes(operators: Sequence[TinyOperator]) -> bytes:
    """Return the bytes of the .tflite file of a network."""
    builder = flatbuffers.Builder(_ROOM)
    tensors = list({each.name: each for operator in operators for each in (*operator.inputs, operator.output)}.values())
    place = {tensor.name: index for index, tensor in enumerate(tensors)}
    kinds = list(dict.fromkeys(operator.kind for operator in operators))

    buffers = [_buffer(builder, None), *(_buffer(builder, tensor.values) for tensor in tensors)]
    described = [_tensor(builder, tensor, index + 1) for index, tensor in enumerate(tensors)]
    numbers = [getattr(tflite.BuiltinOperator, kind) for kind in kinds]
    codes = [_table(builder, "OperatorCode", {"DeprecatedBuiltinCode": n, "BuiltinCode": n}) for n in numbers]
    steps = [_operator(builder, each, kinds.index(each.kind), place) for each in operators]
    ends = zip(("Inputs", "Outputs"), (0, place[operators[-1].output.name]), strict=True)
    lists = {name: builder.CreateNumpyVector(np.array([tensor], np.int32)) for name, tensor in ends}
    lists |= {"Tensors": _offsets(builder, described), "Operators": _offsets(builder, steps)}
    parts = {"OperatorCodes": codes, "Subgraphs": [_table(builder, "SubGraph", lists)], "Buffers": buffers}
    model = {"Version": 3, **{name: _offsets(builder, each) for name, each in parts.items()}}
    builder.Finish(_table(builder, "Model", model), b"TFL3")
    return bytes(builder.Output())


def _table(builder: Any, name: str, fields: dict[str, Any]) -> int:
    getattr(tflite, f"{name}Start")(builder)
    for key, value in fields.items():
        getattr(tflite, f"{name}Add{key}")(builder, value)
    return int(getattr(tflite, f"{name}End")(builder))


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for each in reversed(offsets):
        builder.PrependUOffsetTRelative(each)
    return int(builder.EndVector())


def _buffer(builder: Any, values: NDArray[Any] | None) -> int:
    return _table(builder, "Buffer", {} if values is None else {"Data": builder.CreateByteVector(values.tobytes())})


def _tensor(builder: Any, tensor: TinyTensor, buffer: int) -> int:
    scale = builder.CreateNumpyVector(np.array([tensor.scale], np.float32))
    zero = builder.CreateNumpyVector(np.array([tensor.zero], np.int64))
    fields = {
        "Shape": builder.CreateNumpyVector(np.array(tensor.shape, np.int32)),
        "Type": tensor.type,
        "Buffer": buffer,
        "Name": builder.CreateString(tensor.name),
        "Quantization": _table(builder, "QuantizationParameters", {"Scale": scale, "ZeroPoint": zero}),
    }
    return _table(builder, "Tensor", fields)


def _operator(builder: Any, operator: TinyOperator, code: int, place: dict[str, int]) -> int:
    fields = {
        "OpcodeIndex": code,
        "Inputs": builder.CreateNumpyVector(np.array([place[each.name] for each in operator.inputs], np.int32)),
        "Outputs": builder.CreateNumpyVector(np.array([place[operator.output.name]], np.int32)),
    }
    if operator.kind in OPTIONS:
        options = OPTIONS[operator.kind].__name__
        fields["BuiltinOptionsType"] = getattr(tflite.BuiltinOptions, options)
        fields["BuiltinOptions"] = _table(builder, options, operator.options)
    return _table(builder, "Operator", fields)


def logits_of(operators: Sequence[TinyOperator], photo: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Compute the logits of one photo, shape (size, size, 3), as TensorFlow Lite documents its operators."""
    image = operators[0].inputs[0]
    values: dict[str, NDArray[np.float64]] = {image.name: (photo.astype(np.float64) - image.zero) * image.scale}
    for operator in operators[:-1]:
        values[operator.output.name] = operator.output.rounded(_ARITHMETIC[operator.kind](operator, values))
    return values[operators[-1].inputs[0].name]


type _Values = dict[str, NDArray[np.float64]]


def _convolve(operator: TinyOperator, values: _Values) -> NDArray[np.float64]:
    source, weight, bias = operator.inputs
    deep, stride = operator.kind == "DEPTHWISE_CONV_2D", int(operator.options["StrideH"])
    moves: dict[str, Any] = {"auto_pad": "SAME_UPPER", "strides": [stride] * 2, "group": CHANNELS if deep else 1}
    node = ReferenceEvaluator(helper.make_node("Conv", ["x", "w", "b"], ["y"], **moves))
    image, kernels = values[source.name].transpose(2, 0, 1)[np.newaxis], weight.real
    kernels = kernels.transpose((3, 0, 1, 2) if deep else (0, 3, 1, 2))
    found = cast("list[Any]", node.run(None, {"x": image, "w": kernels, "b": bias.real}))
    result: NDArray[np.float64] = found[0][0].transpose(1, 2, 0)
    return result


_ARITHMETIC: dict[str, Callable[[TinyOperator, _Values], NDArray[np.float64]]] = {
    "CONV_2D": _convolve,
    "DEPTHWISE_CONV_2D": _convolve,
    "ADD": lambda operator, values: values[operator.inputs[0].name] + values[operator.inputs[1].name],
    "AVERAGE_POOL_2D": lambda operator, values: values[operator.inputs[0].name].mean((0, 1)),
    "FULLY_CONNECTED": lambda of, values: of.inputs[1].real @ values[of.inputs[0].name] + of.inputs[2].real,
}

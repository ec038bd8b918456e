"""Quantise statically to int8: convert floats to integers with a scale, and read and write activation ranges.

Activations are u8 with one scale per tensor. Weights are s8, symmetric, with one scale per output channel. Biases are
s32, with input scale × weight scale. The calculation is elementwise in double precision, so that every processor gives
the same result.

Rounding weights shifts the mean output of each layer, which `correct_biases` cancels without photos: rounded weights
w + ε turn a mean input E[x] into a mean error ε · E[x], the same for every photo (Nagel et al. 2019, "Data-Free
Quantization Through Weight Equalization and Bias Correction"). E[x] follows from batch normalisation: each channel is
roughly normally distributed, with mean β and standard deviation |γ|, and ReLU6 clips this distribution.
"""

import csv
import math
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from model.network import ChannelStatistics, Convolution, Network

COLUMNS = ("tensor", "low", "high")
# ImageNet's mean colour (0.485, 0.456, 0.406 of 255), normalised like the pixels.
_PIXELS = (np.array([0.485, 0.456, 0.406]) * 255 - 127) / 128
_STEPS = 255
_MAX_WEIGHT = 127
_MAX_PAIR = 128  # 255 · 128 fits in 16 bits, 255 · 129 does not

type Mean = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ActivationRange:
    """The range of values that 8 bits represent. `low` ≤ 0 ≤ `high`, so that 8 bits can represent 0 exactly."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= 0 <= self.high or not 0 < self.high - self.low < float("inf"):
            expected = "expected a finite range that includes 0"
            raise ModelError(f"the activation range is {self.low} to {self.high}; {expected}")

    @property
    def scale(self) -> np.float32:
        """Difference between the float values of two consecutive integers."""
        return np.float32((self.high - self.low) / _STEPS)

    @property
    def zero_point(self) -> np.uint8:
        """The integer that represents zero."""
        return np.uint8(round(-self.low / float(self.scale)))


@dataclass(frozen=True, slots=True)
class QuantizedWeights:
    """Weights as s8, with the output channel as first axis, and the float32 scale of each output channel."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def quantize_weights(weight: NDArray[np.float32], step: float = 0.0) -> QuantizedWeights:
    """Round weights to s8 with one scale per output channel, without overflow on any processor.

    x86-64 processors without VNNI multiply pairs of u8 and s8 and add both products in 16 bits. Two large neighbouring
    weights saturate these 16 bits silently. So the scale of a channel is the smallest one with no weight above 127 and
    no sum of a pair above 128 in magnitude. Then all processors compute the same result.

    `step`: the least scale. Weights that are multiples of it (former integers) stay exact where they fit.
    """
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    pairs = _pair_sums(weight.astype(np.float64))
    # Minus 1: rounding can add 0.5 to each weight of a pair.
    largest = np.maximum(np.abs(flat).max(axis=1) / _MAX_WEIGHT, np.abs(pairs).max(axis=1) / (_MAX_PAIR - 1))
    # A channel of zeros, or of values too small for float32, becomes zeros with any scale.
    scales = np.maximum(np.where(largest > np.finfo(np.float32).tiny, largest, step or 1), step).astype(np.float32)
    values = np.rint(flat / scales[:, None]).clip(-_MAX_WEIGHT, _MAX_WEIGHT)
    return QuantizedWeights(values.astype(np.int8).reshape(weight.shape), scales)


def _pair_sums(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the weight pairs whose products are added in 16 bits: shape (out, pairs).

    onnxruntime pairs the weights in the order height, width, input channel. It adds the products of depthwise kernels
    in 32 bits, so for these return zeros.
    """
    if weight.ndim == 4 and weight.shape[1] == 1:
        return np.zeros((len(weight), 1))
    last = np.moveaxis(weight, 1, -1).reshape(len(weight), -1)
    even = np.pad(last, ((0, 0), (0, last.shape[1] % 2)))
    return even[:, 0::2] + even[:, 1::2]


def quantize_bias(bias: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.int32]:
    """Round biases to s32. `scales`: input scale × weight scale of each output channel."""
    limits = np.iinfo(np.int32)
    return np.rint(bias / scales.astype(np.float64)).clip(limits.min, limits.max).astype(np.int32)


def read_ranges(path: Path) -> dict[str, ActivationRange]:
    """Read the activation range of each tensor. Raise `ModelError` if the file is missing or malformed."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            _, *rows = csv.reader(file)
        return {name: ActivationRange(float(low), float(high)) for name, low, high in rows}
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path.name} ({error}); write it with `python -m model.calibrate`") from error


def write_ranges(path: Path, ranges: dict[str, ActivationRange]) -> None:
    """Write the table of activation ranges, with four decimals."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows((name, f"{each.low:.4f}", f"{each.high:.4f}") for name, each in ranges.items())


def correct_biases(network: Network) -> Network:
    """Return the network with biases that cancel the effect of rounding its weights to int8."""
    stem, inputs = _correct(network.stem, _PIXELS), after_relu6(network.stem.statistics)
    blocks = []
    for block in network.blocks:
        shortcut, corrected = inputs, []
        for layer in block.convolutions:
            corrected.append(_correct(layer, inputs))
            inputs = after_relu6(layer.statistics) if layer.relu6 else layer.statistics.mean.astype(np.float64)
        if block.residual:
            inputs = inputs + shortcut
        blocks.append(replace(block, convolutions=tuple(corrected)))
    head = _correct(network.head, inputs)
    bias = network.classifier_bias - _shift(network.classifier, after_relu6(network.head.statistics))
    return replace(network, stem=stem, blocks=tuple(blocks), head=head, classifier_bias=bias.astype(np.float32))


def after_relu6(statistics: ChannelStatistics) -> Mean:
    """Return the mean of each channel after ReLU6, E[min(max(x, 0), 6)], for normally distributed inputs x."""
    mean = statistics.mean.astype(np.float64)
    deviation = np.maximum(np.abs(statistics.deviation.astype(np.float64)), 1e-6)
    low, high = -mean / deviation, (6 - mean) / deviation
    between = _share_below(high) - _share_below(low)
    return np.asarray(mean * between + deviation * (_density(low) - _density(high)) + 6 * (1 - _share_below(high)))


def _correct(layer: Convolution, inputs: Mean) -> Convolution:
    """Return a convolution with its bias corrected. `inputs`: the mean of each input channel."""
    means = inputs.reshape(-1, 1) if layer.groups > 1 else inputs
    return replace(layer, bias=(layer.bias - _shift(layer.weight, means)).astype(np.float32))


def _shift(weight: NDArray[np.float32], inputs: Mean) -> Mean:
    """Return how rounding `weight` changes the mean of each output. `inputs`: the mean of each input channel."""
    quantized = quantize_weights(weight)
    scales = quantized.scales.astype(np.float64).reshape(-1, *[1] * (weight.ndim - 1))
    errors = (quantized.values * scales - weight).reshape(*weight.shape[:2], -1).sum(axis=2)
    return np.asarray((errors * inputs).sum(axis=1))  # not `@`: BLAS sums differently on other processors


_share_below = np.vectorize(NormalDist().cdf)


def _density(z: Mean) -> Mean:
    """Return the standard normal density at each value."""
    return np.asarray(np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi))

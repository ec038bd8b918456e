"""Static int8 quantisation: convert floats to integers with a scale, and read and write activation ranges.

Activations are u8 with one scale per tensor; weights are s8, symmetric, with one scale per output channel; biases are
s32 on the scale of the products. All arithmetic is elementwise in double precision, so every processor gives the same.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

COLUMNS = ("tensor", "low", "high")
_STEPS = 255
_MAX_WEIGHT = 127
_MAX_PAIR = 128  # 255 · 128 fits in 16 bits, 255 · 129 does not


@dataclass(frozen=True, slots=True)
class ActivationRange:
    """The values that an activation's 8 bits span. `low` ≤ 0 ≤ `high`, so that zero, the padding, is exact."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= 0 <= self.high or not 0 < self.high - self.low < float("inf"):
            raise ModelError(f"the activation range {self.low} to {self.high} must contain 0 and have a finite extent")

    @property
    def scale(self) -> np.float32:
        """The float difference between two consecutive integers."""
        return np.float32((self.high - self.low) / _STEPS)

    @property
    def zero_point(self) -> np.uint8:
        """The integer that represents zero."""
        return np.uint8(round(-self.low / float(self.scale)))


@dataclass(frozen=True, slots=True)
class QuantizedWeights:
    """s8 weights with the output channel as first axis, and the float32 scale of each channel."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def quantize_weights(weight: NDArray[np.float32]) -> QuantizedWeights:
    """Round weights to s8, each output channel on its own scale, such that no processor overflows.

    x86-64 without VNNI multiplies pairs of u8 and s8 and adds both products in 16 bits, where two large neighbouring
    weights silently saturate. So a channel's scale is the smallest at which no weight exceeds 127 and no pair sums to
    more than 128 in magnitude. Then every processor computes the same result.
    """
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    pairs = _pair_sums(weight.astype(np.float64))
    # Minus 1, since rounding both weights up by half adds 1 to their sum.
    largest = np.maximum(np.abs(flat).max(axis=1) / _MAX_WEIGHT, np.abs(pairs).max(axis=1) / (_MAX_PAIR - 1))
    # A channel of zeros, or of values below float32's range, becomes zeros on any scale.
    scales = np.where(largest > np.finfo(np.float32).tiny, largest, 1).astype(np.float32)
    values = np.rint(flat / scales[:, None]).clip(-_MAX_WEIGHT, _MAX_WEIGHT)
    return QuantizedWeights(values.astype(np.int8).reshape(weight.shape), scales)


def _pair_sums(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums of the weight pairs that share a 16-bit sum: shape (out, pairs). Zeros if none do.

    onnxruntime multiplies in the order height, width, input channel. Its depthwise kernels add in 32 bits.
    """
    if weight.ndim == 4 and weight.shape[1] == 1:
        return np.zeros((len(weight), 1))
    last = np.moveaxis(weight, 1, -1).reshape(len(weight), -1)
    even = np.pad(last, ((0, 0), (0, last.shape[1] % 2)))
    return even[:, 0::2] + even[:, 1::2]


def quantize_bias(bias: NDArray[np.float32], scales: NDArray[np.float32]) -> NDArray[np.int32]:
    """Round biases to s32 on the scale of the products (input scale × weight scale)."""
    limits = np.iinfo(np.int32)
    return np.rint(bias / scales.astype(np.float64)).clip(limits.min, limits.max).astype(np.int32)


def read_ranges(path: Path) -> dict[str, ActivationRange]:
    """Read the table of activation ranges by tensor. Raises `ModelError` with the problem."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if tuple(header) != COLUMNS:
            raise ModelError(f"{path.name} has the columns {','.join(header)}; expected {','.join(COLUMNS)}")
        return {name: ActivationRange(float(low), float(high)) for name, low, high in rows}
    except (OSError, ValueError) as error:
        raise ModelError(
            f"cannot read activation ranges from {path.name} ({error}); write it with `python -m model.calibrate`"
        ) from error


def write_ranges(path: Path, ranges: dict[str, ActivationRange]) -> None:
    """Write the table of activation ranges, with four decimals."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows((name, f"{each.low:.4f}", f"{each.high:.4f}") for name, each in ranges.items())

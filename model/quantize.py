"""int8 arithmetic for static quantisation: figures to whole numbers and the scales that bring them back.

Activations are u8, one scale a tensor; weights s8, one scale an output channel, symmetric; biases s32 on the scale of
the products. Everything is elementwise in double precision, so that the result is the same on every processor.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError

COLUMNS = ("tensor", "low", "high")
_LEVELS = 255
_WEIGHT_LIMIT = 127
_PAIR_LIMIT = 128  # 255 · 128 fits 16 bits, 255 · 129 does not


@dataclass(frozen=True, slots=True)
class Range:
    """What an activation is quantised over; `low` ≤ 0 ≤ `high`, so that zero is exact (padding is zeros)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= 0 <= self.high or not 0 < self.high - self.low < float("inf"):
            raise ModelError(f"an activation range must hold 0 and more; {self.low} to {self.high} does not")

    @property
    def scale(self) -> np.float32:
        """Step between two whole numbers."""
        return np.float32((self.high - self.low) / _LEVELS)

    @property
    def zero_point(self) -> np.uint8:
        """The whole number that stands for zero."""
        return np.uint8(round(-self.low / float(self.scale)))


@dataclass(frozen=True, slots=True)
class Weights:
    """s8 weights, first axis the output channel, and the scale of each channel (float32)."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def quantize_weights(weight: NDArray[np.float32]) -> Weights:
    """Round weights to s8, each output channel on its own scale, so that no processor can overflow.

    x86-64 without VNNI (AVX2 and AVX-512 alone) multiplies u8 by s8 two at a time and adds both in 16 bits, where two
    large weights side by side saturate without a word. So a channel's scale is the least with which no weight exceeds
    127 and no such pair adds up to more than 128 in size: then every processor computes the same.
    """
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    pairs = _pair_sums(weight.astype(np.float64))
    # Two weights that are each rounded up by half add 1 to their sum.
    largest = np.maximum(np.abs(flat).max(axis=1) / _WEIGHT_LIMIT, np.abs(pairs).max(axis=1) / (_PAIR_LIMIT - 1))
    # A channel of nothing, or of less than float32 holds, becomes zeros on any scale.
    scales = np.where(largest > np.finfo(np.float32).tiny, largest, 1).astype(np.float32)
    values = np.rint(flat / scales[:, None]).clip(-_WEIGHT_LIMIT, _WEIGHT_LIMIT)
    return Weights(values.astype(np.int8).reshape(weight.shape), scales)


def _pair_sums(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the weights that meet in one 16-bit sum, shape (out, pairs); zeros where none do.

    onnxruntime multiplies channels-last: height, width, input channel. Depthwise kernels add in 32 bits.
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


def read_ranges(path: Path) -> dict[str, Range]:
    """The committed table of activation ranges by tensor; raises `ModelError` that names what is wrong."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        if tuple(header) != COLUMNS:
            raise ModelError(f"{path.name} has the columns {','.join(header)}; expected {','.join(COLUMNS)}")
        return {name: Range(float(low), float(high)) for name, low, high in rows}
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path.name} is no table of activation ranges ({error}); see `python -m model.calibrate`"
        ) from error


def write_ranges(path: Path, ranges: dict[str, Range]) -> None:
    """Write the table, four decimals a figure."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows((name, f"{each.low:.4f}", f"{each.high:.4f}") for name, each in ranges.items())

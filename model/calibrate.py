"""Measure the activation ranges for int8 quantisation, and write them to model/activations.csv.

    python -m model.calibrate --photos DIR       DIR: photos named <output index>_….jpg

The command runs the fp32 graph on all photos. The range of an activation excludes the most extreme values. A wider
range would waste many of the 255 steps on outliers. A narrower range would clip common values.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from chalicelib.errors import ModelError
from model.build import ACTIVATIONS, LABELS, OUTPUT_HELP, count_animals, read_network
from model.evaluate import PHOTOS_HELP, LabelledPhoto, read_photos
from model.graph import build_graph, intermediate_tensors
from model.quantize import ActivationRange, write_ranges

PERCENTILE = 99.99  # share of values inside a range, %; the others are cut off, half of them at each end
_LIMIT = 64.0
_BINS = 16384  # each 1/128 wide, a thousandth of a typical range


class Histograms:
    """A histogram of the values of each tensor. The memory needed does not depend on the number of photos."""

    def __init__(self, tensors: Iterable[str]) -> None:
        self._counts = {tensor: np.zeros(_BINS, np.int64) for tensor in tensors}
        self._extremes = dict.fromkeys(self._counts, (0.0, 0.0))

    def add(self, tensor: str, values: NDArray[np.float32]) -> None:
        """Count the values of a tensor. Values beyond ±64 count as ±64."""
        bins = ((values.ravel() + _LIMIT) * (_BINS / (2 * _LIMIT))).astype(np.int32).clip(0, _BINS - 1)
        self._counts[tensor] += np.bincount(bins, minlength=_BINS)
        low, high = self._extremes[tensor]
        self._extremes[tensor] = min(low, float(values.min())), max(high, float(values.max()))

    def range_of(self, tensor: str, percentile: float) -> ActivationRange:
        """Return the range of the middle `percentile` % of the values, extended to include zero."""
        counts = self._counts[tensor]
        cumulative = np.cumsum(counts)
        tail = cumulative[-1] * (1 - percentile / 100) / 2
        first = int(np.searchsorted(cumulative, tail, side="right"))
        last = int(np.searchsorted(cumulative, cumulative[-1] - tail, side="left"))
        edges = np.linspace(-_LIMIT, _LIMIT, _BINS + 1)
        low, high = self._extremes[tensor]  # not beyond the extremes: ReLU6 ends at 6, inside a bin
        return ActivationRange(max(min(float(edges[first]), 0.0), low), min(max(float(edges[last + 1]), 0.0), high))


def measure(photos: Iterable[LabelledPhoto], percentile: float) -> dict[str, ActivationRange]:
    """Run the network on all photos and return the range of each activation."""
    network, animals = read_network(), count_animals(LABELS)
    tensors = intermediate_tensors(network)
    model = build_graph(network, animals, 1.0, None, {})
    model.graph.output.extend(helper.make_empty_tensor_value_info(tensor) for tensor in tensors)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    prior = np.ones((1, animals), np.float32)
    histograms = Histograms(tensors)
    for photo in photos:
        outputs = session.run(tensors, {"image": photo.pixels[np.newaxis], "prior": prior})
        for tensor, values in zip(tensors, outputs, strict=True):
            histograms.add(tensor, values)
    return {tensor: histograms.range_of(tensor, percentile) for tensor in tensors}


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the ranges. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.calibrate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help=PHOTOS_HELP)
    parser.add_argument("--output", type=Path, default=ACTIVATIONS, metavar="FILE", help=OUTPUT_HELP)
    text = "share of values inside a range, in %% (default: %(default)s)"
    parser.add_argument("--percentile", type=float, default=PERCENTILE, help=text)
    options = parser.parse_args(arguments)
    try:
        ranges = measure(read_photos(options.photos), options.percentile)
        write_ranges(options.output, ranges)
    except (ModelError, OSError) as error:
        print(f"error: the ranges were not measured: {error}", file=sys.stderr)
        return 1
    print(f"{options.output.name}: ranges of {len(ranges)} activations")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure the activation ranges for int8 quantisation, and write them to model/activations.csv.

    python -m model.calibrate --photos DIR       DIR: photos named <output index>_….jpg

Runs the fp32 graph over all photos. Each activation's range leaves out the outermost values: a wider range would spend
the 255 steps on outliers, a narrower one would clip values that matter.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, helper

from chalicelib.errors import ModelError
from model.build import ACTIVATIONS, LABELS, count_animals, read_network
from model.graph import build_graph, intermediate_tensors
from model.photos import PHOTOS_HELP, LabelledPhoto, read_photos
from model.quantize import ActivationRange, write_ranges

PERCENTILE = 99.99
"""Share of an activation's values inside its range, in %. Half of the rest is cut off at each end."""

_LIMIT = 64.0
_BINS = 16384  # each 1/128 wide, a thousandth of a typical range


class Histograms:
    """Histograms of the values of each tensor: deterministic, and of the same size for any number of photos."""

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
        """Return the range that contains `percentile` % of the values, and zero."""
        counts = self._counts[tensor]
        cumulative = np.cumsum(counts)
        tail = cumulative[-1] * (1 - percentile / 100) / 2
        first = int(np.searchsorted(cumulative, tail, side="right"))
        last = int(np.searchsorted(cumulative, cumulative[-1] - tail, side="left"))
        edges = np.linspace(-_LIMIT, _LIMIT, _BINS + 1)
        low, high = self._extremes[tensor]  # limit the edges: ReLU6 ends at 6, inside a bin
        return ActivationRange(max(min(float(edges[first]), 0.0), low), min(max(float(edges[last + 1]), 0.0), high))


def observed_graph(tensors: Iterable[str]) -> ModelProto:
    """Return the fp32 graph up to pooling, with the network's `tensors` as its outputs."""
    model = build_graph(read_network(), count_animals(LABELS), 1.0, None, {})
    graph = model.graph
    end = next(at for at, node in enumerate(graph.node) if node.output[0] == "pool") + 1
    used = {name for node in graph.node[:end] for name in node.input}
    constants = [constant for constant in graph.initializer if constant.name in used]
    del graph.node[end:], graph.input[1:], graph.output[:], graph.initializer[:]
    graph.initializer.extend(constants)
    graph.output.extend(helper.make_empty_tensor_value_info(tensor) for tensor in tensors)
    return model


def measure(photos: Iterable[LabelledPhoto]) -> Histograms:
    """Return histograms of all activations over the photos."""
    tensors = intermediate_tensors(read_network())
    session = onnxruntime.InferenceSession(
        observed_graph(tensors).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    histograms = Histograms(tensors)
    for photo in photos:
        for tensor, values in zip(tensors, session.run(tensors, {"image": photo.pixels[np.newaxis]}), strict=True):
            histograms.add(tensor, values)
    return histograms


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the ranges. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.calibrate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help=PHOTOS_HELP)
    parser.add_argument("--output", type=Path, default=ACTIVATIONS, help="table to write (default: %(default)s)")
    parser.add_argument(
        "--percentile",
        type=float,
        default=PERCENTILE,
        help="share of values inside a range, in %% (default: %(default)s)",
    )
    options = parser.parse_args(arguments)
    try:
        tensors = intermediate_tensors(read_network())
        histograms = measure(read_photos(options.photos))
        write_ranges(options.output, {tensor: histograms.range_of(tensor, options.percentile) for tensor in tensors})
    except (ModelError, OSError) as error:
        print(f"error: no range was measured: {error}", file=sys.stderr)
        return 1
    print(f"{options.output.name}: ranges of {len(tensors)} activations")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Measure the activation ranges that int8 is built from, and write them to model/activations.csv.

    python -m model.calibrate --photos DIR       DIR: photos named <output index>_….jpg

Runs the fp32 graph over all photos and keeps, of each activation, all but the outermost share of figures: a wider
range would spend the 255 steps on outliers, a narrower one would cut off what matters.
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
from model.photos import Labelled, read_photos
from model.quantize import Range, write_ranges

PERCENTILE = 99.99
"""Share of an activation's figures that the range holds, %; each end loses half of the rest."""

_REACH = 64.0
_BINS = 16384  # 1/128 wide: a thousandth of a typical range


class Histograms:
    """How often each figure occurs, by tensor: small whatever the number of photos, and the same on every run."""

    def __init__(self, tensors: Iterable[str]) -> None:
        self._counts = {tensor: np.zeros(_BINS, np.int64) for tensor in tensors}
        self._extremes = dict.fromkeys(self._counts, (0.0, 0.0))

    def add(self, tensor: str, figures: NDArray[np.float32]) -> None:
        """Count the figures of a tensor; those beyond ±64 count as that."""
        bins = ((figures.ravel() + _REACH) * (_BINS / (2 * _REACH))).astype(np.int32).clip(0, _BINS - 1)
        self._counts[tensor] += np.bincount(bins, minlength=_BINS)
        low, high = self._extremes[tensor]
        self._extremes[tensor] = min(low, float(figures.min())), max(high, float(figures.max()))

    def range_of(self, tensor: str, percentile: float) -> Range:
        """The range that holds `percentile` % of the figures, and zero."""
        counts = self._counts[tensor]
        cumulative = np.cumsum(counts)
        tail = cumulative[-1] * (1 - percentile / 100) / 2
        first = int(np.searchsorted(cumulative, tail, side="right"))
        last = int(np.searchsorted(cumulative, cumulative[-1] - tail, side="left"))
        edges = np.linspace(-_REACH, _REACH, _BINS + 1)
        low, high = self._extremes[tensor]  # an edge may lie beyond them: ReLU6 ends at 6, where no bin does
        return Range(max(min(float(edges[first]), 0.0), low), min(max(float(edges[last + 1]), 0.0), high))


def observed_graph(tensors: Iterable[str]) -> ModelProto:
    """The fp32 graph up to pooling, with the network's `tensors` as its outputs."""
    model = build_graph(read_network(), count_animals(LABELS), 1.0, None, {})
    graph = model.graph
    end = next(at for at, node in enumerate(graph.node) if node.output[0] == "pool") + 1
    used = {name for node in graph.node[:end] for name in node.input}
    constants = [constant for constant in graph.initializer if constant.name in used]
    del graph.node[end:], graph.input[1:], graph.output[:], graph.initializer[:]
    graph.initializer.extend(constants)
    graph.output.extend(helper.make_empty_tensor_value_info(tensor) for tensor in tensors)
    return model


def measure(photos: Iterable[Labelled]) -> Histograms:
    """Histograms of all activations over photos."""
    tensors = intermediate_tensors(read_network())
    session = onnxruntime.InferenceSession(
        observed_graph(tensors).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    histograms = Histograms(tensors)
    for photo in photos:
        for tensor, figures in zip(tensors, session.run(tensors, {"image": photo.pixels[np.newaxis]}), strict=True):
            histograms.add(tensor, figures)
    return histograms


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 if the table was written."""
    parser = argparse.ArgumentParser(prog="python -m model.calibrate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos named <output index>_….jpg")
    parser.add_argument("--output", type=Path, default=ACTIVATIONS, help="table to write (default: %(default)s)")
    parser.add_argument("--percentile", type=float, default=PERCENTILE, help="share kept, %% (default: %(default)s)")
    asked = parser.parse_args(arguments)
    try:
        tensors = intermediate_tensors(read_network())
        histograms = measure(read_photos(asked.photos))
        write_ranges(asked.output, {tensor: histograms.range_of(tensor, asked.percentile) for tensor in tensors})
    except (ModelError, OSError) as error:
        print(f"nothing was measured: {error}", file=sys.stderr)
        return 1
    print(f"{asked.output.name}: ranges of {len(tensors)} activations")
    return 0


if __name__ == "__main__":
    sys.exit(main())

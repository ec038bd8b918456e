"""Measure the activation ranges for int8 quantisation, and write them to model/activations.csv.

    python -m model.calibrate --photos DIR       DIR: photos named <output index>_….jpg
    python -m model.calibrate --photos DIR --pack camera_traps     of a detector's checkpoint; DIR: any photos

The command runs the fp32 graph on all photos. The range of an activation excludes the most extreme values. A wider
range would waste many of the 255 steps on outliers. A narrower range would clip common values. To a detector the
outliers are the animals, so its ranges hold all values.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, helper
from PIL import Image

from chalicelib.errors import ModelError
from chalicelib.model.detector import letter_box
from chalicelib.model.manifest import Manifest
from chalicelib.photo.pixels import decode
from model import yolox_tiny
from model.build import ACTIVATIONS, LABELS, count_animals, read_network
from model.build_packs import CACHE, PACKS, activations_of
from model.evaluate import PHOTOS_HELP, LabelledPhoto, read_photos
from model.graph import build_graph, intermediate_tensors
from model.network import read_checkpoint
from model.quantize import ActivationRange, write_ranges

type Ranges = dict[str, ActivationRange]

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


def measure(photos: Iterable[LabelledPhoto], percentile: float) -> Ranges:
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


def measure_detector(network: ModelProto, tensors: list[str], frames: Iterable[NDArray[np.uint8]]) -> Ranges:
    """Run a detector on photos and return the range of each of its `tensors`."""
    network.graph.output.extend(helper.make_empty_tensor_value_info(tensor) for tensor in tensors)
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    ends = [(0.0, 0.0)] * len(tensors)
    for frame in frames:
        outputs = session.run(tensors, {"images": frame.transpose(2, 0, 1)[np.newaxis, ::-1].astype(np.float32)})
        ends = [(min(a, float(it.min())), max(b, float(it.max()))) for (a, b), it in zip(ends, outputs, strict=True)]
    return {tensor: ActivationRange(*each) for tensor, each in zip(tensors, ends, strict=True)}


def _ranges_of_pack(manifest: Manifest, photos: Path) -> Ranges:
    if manifest.weights is None:
        raise ModelError(f"{manifest.file.name} names no weights; expected a table [weights]")
    weights = read_checkpoint(CACHE / manifest.weights.sha256)
    size = manifest.size
    network, tensors = yolox_tiny.build(weights, size, None)
    pictures = (decode(Image.open(photo), size) for photo in sorted(photos.iterdir()))
    return measure_detector(network, tensors, (letter_box(each.whole(size), size, size) for each in pictures))


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the ranges. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.calibrate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help=PHOTOS_HELP)
    parser.add_argument("--pack", metavar="NAME", help="a detector of model/packs, instead of the general model")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: the table of the model)")
    text = "share of values inside a range, in %% (default: %(default)s)"
    parser.add_argument("--percentile", type=float, default=PERCENTILE, help=text)
    options = parser.parse_args(arguments)
    try:
        if options.pack:
            output = options.output or activations_of(options.pack)
            ranges = _ranges_of_pack(Manifest.read(PACKS / f"{options.pack}.toml"), options.photos)
        else:
            output = options.output or ACTIVATIONS
            ranges = measure(read_photos(options.photos), options.percentile)
        write_ranges(output, ranges)
    except (ModelError, OSError) as error:
        print(f"error: the ranges were not measured: {error}", file=sys.stderr)
        return 1
    print(f"{output.name}: ranges of {len(ranges)} activations")
    return 0


if __name__ == "__main__":
    sys.exit(main())

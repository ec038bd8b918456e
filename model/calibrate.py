"""Measure on photos what the build needs: activation ranges for int8 quantisation, and the temperature.

    python -m model.calibrate --photos DIR       DIR: photos named <output index>_….jpg
    python -m model.calibrate --photos DIR --pack camera_traps     for a detector's checkpoint; DIR: any photos
    python -m model.calibrate --photos DIR --temperature           DIR: photos that were not used in training

**Ranges.** The command runs the fp32 graph on all photos. The range of an activation excludes the most extreme values.
A wider range would waste many of the 255 steps on outliers. A narrower range would clip common values. For a detector,
the outliers are the animals, so its ranges include all values.

**The temperature** divides all logits, so that the confidence matches the accuracy (Guo et al. 2017); their order stays
the same. The fit uses only photos of animals, and only the logits of animals. `animal_probability` uses the same
temperature; model/README.md has the result.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
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
from model import detector_graph, evaluate
from model.build import ACTIVATIONS, LABELS, TEMPERATURE, count_animals, read_network, serialize
from model.build_packs import CACHE, PACKS, activations_of
from model.evaluate import PHOTOS_HELP, Labels, Probabilities
from model.graph import build_graph, intermediate_tensors
from model.network import read_checkpoint
from model.quantize import ActivationRange, read_ranges, write_ranges

type Ranges = dict[str, ActivationRange]

PERCENTILE = 99.99  # share of values inside a range, %; the others are cut off, half of them at each end
_LIMIT = 64.0
_BINS = 16384  # number of bins, each 1/128 wide: a thousandth of a typical range


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
        low, high = self._extremes[tensor]
        if percentile == 100:  # includes values beyond ±64
            return ActivationRange(low, high)
        cumulative = np.cumsum(self._counts[tensor])
        tail = cumulative[-1] * (1 - percentile / 100) / 2
        first = int(np.searchsorted(cumulative, tail, side="right"))
        last = int(np.searchsorted(cumulative, cumulative[-1] - tail, side="left"))
        edges = np.linspace(-_LIMIT, _LIMIT, _BINS + 1)
        # not beyond the extremes: ReLU6 ends at 6, inside a bin
        return ActivationRange(max(min(float(edges[first]), 0.0), low), min(max(float(edges[last + 1]), 0.0), high))


def ranges_of(
    network: ModelProto, tensors: Sequence[str], inputs: Iterable[Mapping[str, object]], percentile: float
) -> Ranges:
    """Run a network on inputs, and return the range of each of its `tensors`.

    `inputs`: for each run, the values of the network's inputs by name. `percentile`: how many of a tensor's values its
    range covers, in %.
    """
    network.graph.output.extend(helper.make_empty_tensor_value_info(tensor) for tensor in tensors)
    session = onnxruntime.InferenceSession(network.SerializeToString(), providers=["CPUExecutionProvider"])
    histograms = Histograms(tensors)
    for each in inputs:
        for tensor, values in zip(tensors, session.run(tensors, each), strict=True):
            histograms.add(tensor, values)
    return {tensor: histograms.range_of(tensor, percentile) for tensor in tensors}


def measure_detector(network: ModelProto, tensors: Sequence[str], frames: Iterable[NDArray[np.uint8]]) -> Ranges:
    """Run a detector on photos, and return the range of each of its `tensors`: it covers all of the tensor's values.

    `frames`: photos as `letter_box` returns them.
    """
    inputs = ({"images": frame.transpose(2, 0, 1)[np.newaxis, ::-1].astype(np.float32)} for frame in frames)
    return ranges_of(network, tensors, inputs, 100)


def _ranges_of_pack(manifest: Manifest, photos: Path) -> Ranges:
    if manifest.weights is None:
        raise ModelError(f"{manifest.file.name} names no weights; expected a table [weights]")
    weights, size = read_checkpoint(CACHE / manifest.weights.sha256), manifest.size
    frames = (letter_box(decode(Image.open(each), size).whole(size), size, size) for each in sorted(photos.iterdir()))
    return measure_detector(*detector_graph.yolox_tiny(weights, size, None), frames)


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Return the temperature between 0.1 and 10 with the lowest negative log-likelihood."""
    low, high = 0.1, 10.0  # of 1/T, in which the likelihood is convex: a ternary search finds its only minimum
    while high - low > 1e-6:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        tempered = (evaluate.apply_temperature(probabilities, 1 / x) for x in (left, right))
        at_left, at_right = (evaluate.negative_log_likelihood(each, labels) for each in tempered)
        low, high = (low, right) if at_left < at_right else (left, high)
    return 2 / (low + high)


def _write_temperature(photos: Path, output: Path) -> str:
    """Fit and write the temperature T. Return a table of errors for T = 1, this T, and T fitted on the other half."""
    with tempfile.TemporaryDirectory() as scratch:
        path, animals = Path(scratch, "model.onnx"), count_animals(LABELS)
        path.write_bytes(serialize(read_network(), animals, 1.0, read_ranges(ACTIVATIONS)))
        of_animals = (photo for photo in evaluate.read_photos(photos) if photo.label < animals)
        results, labels = evaluate.measure({path.name: path}, of_animals, threads=0)
    probabilities = results[path.name].vision
    temperature = round(fit_temperature(probabilities, labels), 4)
    output.write_text(json.dumps({"temperature": temperature}, allow_nan=False) + "\n", encoding="utf-8")
    halves = np.empty(probabilities.shape)
    for half in (0, 1):
        other = fit_temperature(probabilities[1 - half :: 2], labels[1 - half :: 2])
        halves[half::2] = evaluate.apply_temperature(probabilities[half::2], other)
    lines = ["| | ECE, equal width | ECE, equal mass | NLL |", "|---|---|---|---|"]
    for name, given in (
        ("T = 1", probabilities),
        (f"T = {temperature:.3f}, fitted on these photos", evaluate.apply_temperature(probabilities, temperature)),
        ("T fitted on the other half", halves),
    ):
        numbers = *evaluate.calibration_errors(given, labels), evaluate.negative_log_likelihood(given, labels)
        lines.append(f"| {' | '.join([name, *(f'{number:.3f}' for number in numbers)])} |")
    fitted = f"{output.name}: T = {temperature}, fitted on {len(labels)} photos; run `python -m model.build` next"
    return "\n".join([*lines, "", fitted])


def _write_ranges(options: argparse.Namespace) -> str:
    if options.pack:
        output = options.output or activations_of(options.pack)
        ranges = _ranges_of_pack(Manifest.read(PACKS / f"{options.pack}.toml"), options.photos)
    else:
        output, network, animals = options.output or ACTIVATIONS, read_network(), count_animals(LABELS)
        prior = np.ones((1, animals), np.float32)
        inputs = ({"image": photo.pixels[np.newaxis], "prior": prior} for photo in evaluate.read_photos(options.photos))
        graph = build_graph(network, animals, 1.0, None, {})
        ranges = ranges_of(graph, intermediate_tensors(network), inputs, options.percentile)
    write_ranges(output, ranges)
    return f"{output.name}: ranges of {len(ranges)} activations"


def main(arguments: list[str] | None = None) -> int:
    """Measure and write the ranges or the temperature. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.calibrate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help=PHOTOS_HELP)
    parser.add_argument("--pack", metavar="NAME", help="measure this detector of model/packs, not the general model")
    parser.add_argument("--temperature", action="store_true", help="fit the temperature instead of the ranges")
    parser.add_argument("--output", type=Path, metavar="FILE", help="file to write (default: the build's file)")
    text = "share of values inside a range, in %% (default: %(default)s)"
    parser.add_argument("--percentile", type=float, default=PERCENTILE, help=text)
    options = parser.parse_args(arguments)
    if options.temperature and options.pack:
        parser.error("--temperature is for the general model alone; leave out --pack")
    try:
        if options.temperature:
            print(_write_temperature(options.photos, options.output or TEMPERATURE))
        else:
            print(_write_ranges(options))
    except (ModelError, OSError) as error:
        print(f"error: nothing was measured: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

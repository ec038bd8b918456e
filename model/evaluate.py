"""Measure models on labelled photos: print the table of the model card, for int8 and fp32.

    python -m model evaluate --photos DIR      DIR: photos named <output index>_….jpg; 398 and above: no animal

With `--corrections`, compare the answers of two versions with what people said about photos (corrections.py).
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.errors import ClientError, ModelError
from chalicelib.model.session import Model
from chalicelib.photo.formats import MEDIA_TYPE_OF
from chalicelib.photo.photos import open_photo
from model import corrections
from model.build import ACTIVATIONS, LABELS, count_animals, read_network, read_temperature, serialize
from model.network import INPUT_SIZE
from model.quantize import read_ranges

PHOTOS_HELP = "folder of photos named <output index>_….jpg; an index of 398 or more means no animal"
ECE_BINS = 15
_MIN_PROBABILITY = 1e-38
_LIMITS = PhotoLimits()

type Probabilities = NDArray[np.float32] | NDArray[np.float64]  # shape (photos, animals)
type Labels = NDArray[np.intp]  # shape (photos,): output index of the animal on each photo


class LabelledPhoto(NamedTuple):
    """A photo. `label`: output index of the animal; 398 or more if there is none. `pixels`: (S, S, 3) uint8."""

    label: int
    pixels: NDArray[np.uint8]


def read_photos(folder: Path, size: int = INPUT_SIZE) -> Iterator[LabelledPhoto]:
    """Yield the photos of a folder, sorted by name and decoded as in the app.

    Raise `ModelError` if there are no photos, if a name does not start with a label, or if a photo cannot be read.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in MEDIA_TYPE_OF)
    if not paths:
        raise ModelError(f"{folder} contains no photos; expected files named <output index>_….jpg")
    for path in corrections.counted(paths):
        label, separator, _ = path.name.partition("_")
        if not (separator and label.isascii() and label.isdigit()):
            raise ModelError(f"{path.name} does not start with a label; rename it to <output index>_….jpg")
        try:
            pixels = open_photo(path.read_bytes(), _LIMITS).pixels(size)
        except ClientError as error:
            raise ModelError(f"{path.name} cannot be read: {error}") from error
        yield LabelledPhoto(int(label), pixels)


class Results(NamedTuple):
    """The results of one build on all photos. `seconds`: duration of each inference."""

    vision: NDArray[np.float32]
    animal_probability: NDArray[np.float64]
    seconds: tuple[float, ...]
    megabytes: float


def measure(
    models: Mapping[str, Path], photos: Iterable[LabelledPhoto], threads: int = 1
) -> tuple[dict[str, Results], Labels]:
    """Run each model on each photo in turn, so that load slows all of them equally. `threads`: as for `Model`."""
    loaded = {name: Model(path, threads) for name, path in models.items()}
    found: dict[str, list[tuple[NDArray[np.float32], float, float]]] = {name: [] for name in models}
    labels = []
    for photo in photos:
        labels.append(photo.label)
        for name, model in loaded.items():
            started = time.perf_counter()
            scores = model.score(photo.pixels, np.ones(model.animals, np.float32))
            found[name].append((scores.vision, scores.animal_probability, time.perf_counter() - started))
    results = {}
    for name, path in models.items():
        vision, animal, seconds = zip(*found[name], strict=True)
        results[name] = Results(np.stack(vision), np.array(animal), seconds, path.stat().st_size / 1e6)
    return results, np.array(labels, dtype=np.intp)


def table(results: Mapping[str, Results], labels: Labels, temperature: float) -> str:
    """Return the results as a Markdown table. It compares each model with the last one in `results`."""
    names = list(results)
    reference = results[names[-1]]
    shown = labels < reference.vision.shape[1]
    true = labels[shown]

    rows: dict[str, list[str]] = {}
    for each in results.values():
        vision, same = each.vision[shown], each.vision[shown].argmax(1) == reference.vision[shown].argmax(1)
        plain = apply_temperature(vision, 1 / temperature)
        passes = each.animal_probability >= Settings().thresholds.animal
        ratio = statistics.median(each.seconds) / statistics.median(reference.seconds)
        for row, value in {
            "right animal first": f"{accuracy(vision, true):.1%}",
            "right animal among five": f"{accuracy(vision, true, 5):.1%}",
            f"same animal first as {names[-1]}": f"{same.mean():.1%}",
            "ECE at T = 1, equal width / mass": "{:.3f} / {:.3f}".format(*calibration_errors(plain, true)),
            f"ECE at T = {temperature:.3f}": "{:.3f} / {:.3f}".format(*calibration_errors(vision, true)),
            f"NLL at T = 1 / {temperature:.3f}": f"{negative_log_likelihood(plain, true):.3f}"
            f" / {negative_log_likelihood(vision, true):.3f}",
            "animals that pass as animals": f"{passes[shown].mean():.1%}",
            "others that pass as animals": f"{passes[~shown].mean():.1%}" if not shown.all() else "–",
            f"time of one inference, {names[-1]} = 1": f"{ratio:.2f}",
            "size, MB": f"{each.megabytes:.1f}",
        }.items():
            rows.setdefault(row, []).append(value)
    head = f"| {shown.sum()} photos of animals, {(~shown).sum()} of other things | {' | '.join(names)} |"
    body = [f"| {row} | {' | '.join(values)} |" for row, values in rows.items()]
    return "\n".join([head, "|---" * (1 + len(names)) + "|", *body])


def main(arguments: list[str] | None = None) -> int:
    """Evaluate the int8 and fp32 models and print the table, or compare versions. Return 0, or 1 after an error."""
    example = "Example: python -m model evaluate --corrections reviews.csv --photos study/ --new PACKS_PATH=my/packs"
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m model evaluate", description=description, epilog=example)
    text = f"{PHOTOS_HELP}; with --corrections, the folder of the photos that the file names"
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help=text)
    text = "CSV file of corrections or reviews (model/corrections.py); print whether the new version is worse on them"
    parser.add_argument("--corrections", type=Path, metavar="FILE", help=text)
    for name, whose in (("--live", "version that answers now"), ("--new", "new version")):
        text = f"settings in which the {whose} differs from the environment, such as MODEL_PATH=new/faunalens.onnx"
        parser.add_argument(name, default="", metavar="SETTINGS", help=text)
    text = "file to which to write the comparison; the gate of a release reads model/verdict.json"
    parser.add_argument("--out", type=Path, metavar="FILE", help=text)
    options = parser.parse_args(arguments)
    if options.corrections:
        return corrections.main(options)
    try:
        network, animals, temperature = read_network(), count_animals(LABELS), read_temperature()
        with tempfile.TemporaryDirectory() as scratch:
            models = {name: Path(scratch, f"{name}.onnx") for name in ("int8", "fp32")}
            for name, path in models.items():
                ranges = read_ranges(ACTIVATIONS) if name == "int8" else None
                path.write_bytes(serialize(network, animals, temperature, ranges))
            results, labels = measure(models, read_photos(options.photos))
    except (ModelError, OSError) as error:
        print(f"error: the model was not evaluated: {error}", file=sys.stderr)
        return 1
    print(table(results, labels, temperature))
    return 0


def accuracy(probabilities: Probabilities, labels: Labels, top: int = 1) -> float:
    """Return the share of photos whose label is among the `top` most probable animals."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return float((best == labels[:, np.newaxis]).any(axis=1).mean())


def negative_log_likelihood(probabilities: Probabilities, labels: Labels) -> float:
    """Return the mean over the photos of −ln(probability of the true animal), in nats."""
    true = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(true.clip(_MIN_PROBABILITY)).mean())


def calibration_errors(probabilities: Probabilities, labels: Labels) -> tuple[float, float]:
    """Return the expected calibration errors (Guo et al. 2017): the mean gap between confidence and accuracy by bin.

    For the first error, all 15 bins have the same width. For the second, they have the same number of photos, which is
    better for few photos.
    """
    confidence = probabilities.max(axis=1)
    gaps = confidence - (probabilities.argmax(axis=1) == labels)
    by_width = np.minimum((confidence * ECE_BINS).astype(np.intp), ECE_BINS - 1)
    by_mass = np.argsort(np.argsort(confidence, kind="stable"), kind="stable") * ECE_BINS // len(confidence)
    width, mass = (np.abs(np.bincount(bins, gaps, ECE_BINS)).sum() / len(gaps) for bins in (by_width, by_mass))
    return float(width), float(mass)


def apply_temperature(probabilities: Probabilities, temperature: float) -> NDArray[np.float64]:
    """Return the probabilities with logits divided by `temperature`: more even above 1, more extreme below 1."""
    logits = np.log(probabilities.astype(np.float64).clip(_MIN_PROBABILITY)) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))

"""Measure the accuracy and calibration of the int8 and fp32 models on photos, and print the table of the model card.

python -m model.evaluate --photos DIR       DIR: photos named <output index>_….jpg; 398 and above: no animal
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import Settings
from chalicelib.errors import ModelError
from chalicelib.model.session import Model, Scores
from model.build import ACTIVATIONS, LABELS, count_animals, read_network, read_temperature, serialize
from model.classifier_metrics import Labels, accuracy, apply_temperature, calibration_errors, negative_log_likelihood
from model.photos import PHOTOS_HELP, LabelledPhoto, read_photos
from model.quantize import read_ranges


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """The results of one build on all photos. `seconds`: duration of each inference, on one thread."""

    vision: NDArray[np.float32]
    animal_probability: NDArray[np.float64]
    seconds: tuple[float, ...]
    megabytes: float


def measure(models: Mapping[str, Path], photos: Iterable[LabelledPhoto]) -> tuple[dict[str, Results], Labels]:
    """Run every model on every photo. The models take turns, so that other programs slow all models equally."""
    loaded = {name: Model(path, threads=1) for name, path in models.items()}
    scores: dict[str, list[Scores]] = {name: [] for name in models}
    seconds: dict[str, list[float]] = {name: [] for name in models}
    labels = []
    for photo in photos:
        labels.append(photo.label)
        for name, model in loaded.items():
            started = time.perf_counter()
            scores[name].append(model.score(photo.pixels, np.ones(model.animals, np.float32)))
            seconds[name].append(time.perf_counter() - started)
    results = {
        name: Results(
            np.stack([each.vision for each in scores[name]]),
            np.array([each.animal_probability for each in scores[name]]),
            tuple(seconds[name]),
            path.stat().st_size / 1e6,
        )
        for name, path in models.items()
    }
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
            "ECE at T = 1, equal width / mass": " / ".join(calibration_errors(plain, true)),
            f"ECE at T = {temperature:.3f}": " / ".join(calibration_errors(vision, true)),
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
    """Evaluate the int8 and fp32 models and print the table. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help=PHOTOS_HELP)
    options = parser.parse_args(arguments)
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


if __name__ == "__main__":
    sys.exit(main())

"""Measure the model on photos: accuracy, calibration, int8 against fp32. Prints the table of the model card.

python -m model.evaluate --photos DIR       DIR: photos named <output index>_….jpg; 398 and more are no animals
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
from model.measures import Labels, accuracy, calibration_error, negative_log_likelihood, sharpen
from model.photos import Labelled, read_photos
from model.quantize import read_ranges


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One build over all photos. `seconds`: of each inference, one thread."""

    vision: NDArray[np.float32]
    animal_probability: NDArray[np.float64]
    seconds: tuple[float, ...]
    megabytes: float


def measure(models: Mapping[str, Path], photos: Iterable[Labelled]) -> tuple[dict[str, Measured], Labels]:
    """Every model over every photo, taking turns photo by photo, so that both have the same share of a busy machine."""
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
    measured = {
        name: Measured(
            np.stack([each.vision for each in scores[name]]),
            np.array([each.animal_probability for each in scores[name]]),
            tuple(seconds[name]),
            models[name].stat().st_size / 1e6,
        )
        for name in models
    }
    return measured, np.array(labels, dtype=np.intp)


def table(measured: Mapping[str, Measured], labels: Labels, temperature: float) -> str:
    """What was measured, as Markdown; the last model is the one that others are compared with."""
    names = list(measured)
    reference = measured[names[-1]]
    shown = labels < reference.vision.shape[1]
    true = labels[shown]
    passes = {name: each.animal_probability >= Settings().animal_threshold for name, each in measured.items()}

    rows: dict[str, list[str]] = {}
    for name, each in measured.items():
        vision, same = each.vision[shown], each.vision[shown].argmax(1) == reference.vision[shown].argmax(1)
        plain = sharpen(vision, 1 / temperature)
        ratio = statistics.median(each.seconds) / statistics.median(reference.seconds)
        for row, value in {
            "right animal first": f"{accuracy(vision, true):.1%}",
            "right animal among five": f"{accuracy(vision, true, 5):.1%}",
            f"same animal first as {names[-1]}": f"{same.mean():.1%}",
            "ECE at T = 1, equal width / mass": _errors(plain, true),
            f"ECE at T = {temperature:.3f}": _errors(vision, true),
            f"NLL at T = 1 / {temperature:.3f}": f"{negative_log_likelihood(plain, true):.3f}"
            f" / {negative_log_likelihood(vision, true):.3f}",
            "animals that pass as animals": f"{passes[name][shown].mean():.1%}",
            "others that pass as animals": f"{passes[name][~shown].mean():.1%}" if not shown.all() else "–",
            f"time of one inference, {names[-1]} = 1": f"{ratio:.2f}",
            "size, MB": f"{each.megabytes:.1f}",
        }.items():
            rows.setdefault(row, []).append(value)
    head = f"| {shown.sum()} photos of animals, {(~shown).sum()} of other things | {' | '.join(names)} |"
    body = [f"| {row} | {' | '.join(values)} |" for row, values in rows.items()]
    return "\n".join([head, "|---" * (1 + len(names)) + "|", *body])


def _errors(probabilities: NDArray[np.float32] | NDArray[np.float64], labels: Labels) -> str:
    errors = (calibration_error(probabilities, labels, equal_mass=equal_mass) for equal_mass in (False, True))
    return " / ".join(f"{error:.3f}" for error in errors)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 if the photos could be read."""
    parser = argparse.ArgumentParser(prog="python -m model.evaluate", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos named <output index>_….jpg")
    asked = parser.parse_args(arguments)
    try:
        network, animals, temperature = read_network(), count_animals(LABELS), read_temperature()
        with tempfile.TemporaryDirectory() as scratch:
            models = {name: Path(scratch, f"{name}.onnx") for name in ("int8", "fp32")}
            for name, path in models.items():
                ranges = read_ranges(ACTIVATIONS) if name == "int8" else None
                path.write_bytes(serialize(network, animals, temperature, ranges))
            measured, labels = measure(models, read_photos(asked.photos))
    except (ModelError, OSError) as error:
        print(f"nothing was measured: {error}", file=sys.stderr)
        return 1
    print(table(measured, labels, temperature))
    return 0


if __name__ == "__main__":
    sys.exit(main())

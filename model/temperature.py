"""Fit the temperature that makes the model's confidence its accuracy, and write it to model/temperature.json.

    python -m model.temperature --photos DIR       DIR: photos named <output index>_….jpg, not used in training

One figure divides all logits (Guo et al. 2017): it changes no ranking. Only photos of animals count, and only the
softmax over animals is fitted; `animal_probability` takes the same figure (model/README.md has what that does).
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.session import Model
from model.build import ACTIVATIONS, LABELS, TEMPERATURE, count_animals, read_network, serialize
from model.measures import Labels, calibration_error, fit_temperature, negative_log_likelihood, sharpen
from model.photos import read_photos
from model.quantize import read_ranges


def untempered(folder: Path) -> tuple[NDArray[np.float32], Labels]:
    """Probabilities at temperature 1 and labels of the animals in a folder, by the int8 model as it is shipped."""
    animals = count_animals(LABELS)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "untempered.onnx")
        path.write_bytes(serialize(read_network(), animals, 1.0, read_ranges(ACTIVATIONS)))
        model = Model(path)
        anywhere = np.ones(animals, np.float32)
        photos = (photo for photo in read_photos(folder, model.input_size) if photo.label < animals)
        rows = [(model.score(photo.pixels, anywhere).vision, photo.label) for photo in photos]
    return np.stack([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=np.intp)


def report(probabilities: NDArray[np.float32], labels: Labels, temperature: float) -> str:
    """Calibration at T = 1, at the fitted T, and at Ts that each half of the photos fits for the other."""
    halves = np.empty(probabilities.shape)
    for half in (0, 1):
        other = fit_temperature(probabilities[1 - half :: 2], labels[1 - half :: 2])
        halves[half::2] = sharpen(probabilities[half::2], other)
    lines = ["| | ECE, equal width | ECE, equal mass | NLL |", "|---|---|---|---|"]
    for name, given in (
        ("T = 1", probabilities),
        (f"T = {temperature:.3f}, fitted on these photos", sharpen(probabilities, temperature)),
        ("T fitted on the other half", halves),
    ):
        errors = (calibration_error(given, labels, equal_mass=equal_mass) for equal_mass in (False, True))
        width, mass = (f"{error:.3f}" for error in errors)
        lines.append(f"| {name} | {width} | {mass} | {negative_log_likelihood(given, labels):.3f} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 if the temperature was written."""
    parser = argparse.ArgumentParser(prog="python -m model.temperature", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos named <output index>_….jpg")
    parser.add_argument("--output", type=Path, default=TEMPERATURE, help="file to write (default: %(default)s)")
    asked = parser.parse_args(arguments)
    try:
        probabilities, labels = untempered(asked.photos)
        temperature = round(fit_temperature(probabilities, labels), 4)
        asked.output.write_text(json.dumps({"temperature": temperature}) + "\n", encoding="utf-8")
    except (ModelError, OSError) as error:
        print(f"no temperature was fitted: {error}", file=sys.stderr)
        return 1
    print(report(probabilities, labels, temperature))
    print(f"\n{asked.output.name}: T = {temperature}, on {len(labels)} photos; run `python -m model.build` next")
    return 0


if __name__ == "__main__":
    sys.exit(main())

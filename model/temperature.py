"""Fit the temperature that matches the model's confidence to its accuracy, and write it to model/temperature.json.

    python -m model.temperature --photos DIR       DIR: photos named <output index>_….jpg, not used in training

The temperature divides all logits (Guo et al. 2017), so it does not change their order. The fit uses only photos of
animals, and only the logits of animals. `animal_probability` uses the same temperature; model/README.md has the result.
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
from model.build import ACTIVATIONS, LABELS, OUTPUT_HELP, TEMPERATURE, count_animals, read_network, serialize
from model.evaluate import (
    PHOTOS_HELP,
    Labels,
    Probabilities,
    apply_temperature,
    calibration_errors,
    negative_log_likelihood,
    score_animals,
)
from model.quantize import read_ranges


def report(probabilities: NDArray[np.float32], labels: Labels, temperature: float) -> str:
    """Return a table of the calibration with T = 1, with `temperature`, and in a cross-validation.

    In the cross-validation, the temperature of each half of the photos was fitted on the other half.
    """
    halves = np.empty(probabilities.shape)
    for half in (0, 1):
        other = fit_temperature(probabilities[1 - half :: 2], labels[1 - half :: 2])
        halves[half::2] = apply_temperature(probabilities[half::2], other)
    lines = ["| | ECE, equal width | ECE, equal mass | NLL |", "|---|---|---|---|"]
    for name, given in (
        ("T = 1", probabilities),
        (f"T = {temperature:.3f}, fitted on these photos", apply_temperature(probabilities, temperature)),
        ("T fitted on the other half", halves),
    ):
        cells = [name, *calibration_errors(given, labels), f"{negative_log_likelihood(given, labels):.3f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def fit_temperature(probabilities: Probabilities, labels: Labels) -> float:
    """Return the temperature between 0.1 and 10 with the lowest negative log-likelihood."""
    low, high = 0.1, 10.0  # of 1/T, in which the likelihood is convex: a ternary search finds its only minimum
    while high - low > 1e-6:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        at_left, at_right = (
            negative_log_likelihood(apply_temperature(probabilities, 1 / x), labels) for x in (left, right)
        )
        low, high = (low, right) if at_left < at_right else (left, high)
    return 2 / (low + high)


def main(arguments: list[str] | None = None) -> int:
    """Fit and write the temperature. Return 0, or 1 after printing an error."""
    parser = argparse.ArgumentParser(prog="python -m model.temperature", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, metavar="DIR", help=PHOTOS_HELP)
    parser.add_argument("--output", type=Path, default=TEMPERATURE, metavar="FILE", help=OUTPUT_HELP)
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch, "model.onnx")
            path.write_bytes(serialize(read_network(), count_animals(LABELS), 1.0, read_ranges(ACTIVATIONS)))
            probabilities, labels = score_animals(options.photos, Model(path))
        temperature = round(fit_temperature(probabilities, labels), 4)
        options.output.write_text(json.dumps({"temperature": temperature}, allow_nan=False) + "\n", encoding="utf-8")
    except (ModelError, OSError) as error:
        print(f"error: the temperature was not fitted: {error}", file=sys.stderr)
        return 1
    print(report(probabilities, labels, temperature))
    print(
        f"\n{options.output.name}: T = {temperature}, fitted on {len(labels)} photos; run `python -m model.build` next"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

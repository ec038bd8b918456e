"""Check that a model fits: the graph against the contract in docs/how-to/model.md, and against the labels beside it.

    python -m model.check MODEL [--labels labels.csv] [--taxa taxa.csv]

Names everything that does not fit, one line each. Takes any ONNX file, however it was made.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.session import Model, Scores
from chalicelib.model.taxonomy import Taxonomy

TOLERANCE = 1e-3
"""By how much a sum of probabilities may miss 1, and two ways to the same figure each other."""

_SEED = 20261124


def faults_of(path: Path, labels: Path, taxa: Path) -> list[str]:
    """What does not fit, one sentence each; empty if everything does."""
    faults, model, taxonomy = [], None, None
    try:
        model = Model(path)
    except ModelError as error:
        faults.append(str(error))
    try:
        taxonomy = Taxonomy.read(labels, taxa)
    except ModelError as error:
        faults.append(str(error))
    if model and taxonomy and model.animals != len(taxonomy.animals):
        faults.append(
            f"{path.name} gives probabilities of {model.animals} animals, {labels.name} has "
            f"{len(taxonomy.animals)} rows; they must be as many"
        )
    if model:
        try:
            for fault in _misbehaviour(model):
                faults.append(fault)  # noqa: PERF402 - what was found before a run fails stays
        except ModelError as error:
            faults.append(str(error))
    return faults


def _misbehaviour(model: Model) -> Iterator[str]:
    """What a model does wrong when it runs, on noise as the photo. Raises `ModelError` if it fails then."""
    generator = np.random.default_rng(_SEED)
    photo = generator.integers(0, 256, (model.input_size, model.input_size, 3), dtype=np.uint8)
    anywhere = np.ones(model.animals, np.float32)
    plain = model.score(photo, anywhere)

    for name, values in (("probabilities", plain.probabilities), ("vision_probabilities", plain.vision)):
        if not np.isfinite(values).all() or values.min() < 0:
            yield f"{name} has values that are negative or no numbers; expected probabilities"
        elif abs(values.sum() - 1) > TOLERANCE:
            yield f"{name} adds up to {values.sum():.4f}; expected 1"
    if not 0 <= plain.animal_probability <= 1 + TOLERANCE:
        yield f"animal_probability is {plain.animal_probability:.4f}; expected 0 to 1"
    if _differ(plain.probabilities, plain.vision):
        yield "a prior of ones changes probabilities; expected the same as vision_probabilities"
    if not _same(plain, model.score(photo, anywhere)):
        yield "the same photo gives other figures the second time; expected the same"
    if np.array_equal(plain.vision, model.score(255 - photo, anywhere).vision):
        yield "another photo gives the same probabilities; expected the image to matter"
    yield from _misuse_of_prior(model, photo, plain)


def _misuse_of_prior(model: Model, photo: NDArray[np.uint8], plain: Scores) -> Iterator[str]:
    likeliest = int(plain.vision.argmax())
    prior = np.ones(model.animals, np.float32)
    prior[likeliest] = 0.01
    weighed = model.score(photo, prior)
    expected = plain.vision * prior / (plain.vision * prior).sum()
    if _differ(weighed.vision, plain.vision):
        yield "the prior changes vision_probabilities; expected no effect on them"
    if _differ(weighed.probabilities, expected):
        yield "probabilities are not vision_probabilities × prior, made to add up to 1"
    nowhere = model.score(photo, np.full(model.animals, 1e-12, np.float32))
    if _differ(nowhere.probabilities, plain.vision):
        yield "a prior that is tiny for all animals changes probabilities; only the weights' proportions may count"


def _differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return not np.allclose(one, other, rtol=0, atol=TOLERANCE)


def _same(one: Scores, other: Scores) -> bool:
    return (
        np.array_equal(one.probabilities, other.probabilities, equal_nan=True)
        and np.array_equal(one.vision, other.vision, equal_nan=True)
        and one.animal_probability == other.animal_probability
    )


def main(arguments: list[str] | None = None) -> int:
    """Entry point; 0 if the model fits."""
    parser = argparse.ArgumentParser(prog="python -m model.check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path, help="the .onnx file")
    parser.add_argument("--labels", type=Path, help="its labels (default: labels.csv beside it)")
    parser.add_argument("--taxa", type=Path, help="names of higher taxa (default: taxa.csv beside it)")
    asked = parser.parse_args(arguments)
    labels = asked.labels or asked.model.with_name("labels.csv")
    faults = faults_of(asked.model, labels, asked.taxa or asked.model.with_name("taxa.csv"))
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"{asked.model.name} fits the contract and {labels.name}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

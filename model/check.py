"""Check a model or a pack against its contract in docs/how-to/model.md, and against its labels.

    python -m model check MODEL [--labels labels.csv] [--taxa taxa.csv]
    python -m model check PACK

PACK is the manifest of a pack, or the name of one in model/packs. The command prints one line for each problem. It
accepts ONNX files from any tool.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.session import Model, Scores
from chalicelib.model.taxonomy import Taxonomy
from model import check_pack
from model.build_packs import PACKS

TOLERANCE = 1e-3  # largest accepted difference between equal probabilities, and of a sum from 1
_SEED = 20261124


def find_problems(path: Path, labels: Path, taxa: Path) -> Iterator[str]:
    """Yield one sentence for each problem of a model and its labels."""
    model = taxonomy = None
    try:
        model = Model(path)
    except ModelError as error:
        yield str(error)
    try:
        taxonomy = Taxonomy.read(labels, taxa)
    except ModelError as error:
        yield str(error)
    if model and taxonomy and model.animals != len(taxonomy.animals):
        yield (
            f"{path.name} has {model.animals} probabilities, but {labels.name} has {len(taxonomy.animals)} rows; "
            "expected one row per probability"
        )
    if model:
        try:
            yield from _problems_of_runs(model)
        except ModelError as error:
            yield str(error)


def _problems_of_runs(model: Model) -> Iterator[str]:
    """Run a model on noise, and yield the problems of its outputs. Raise `ModelError` if a run fails."""
    generator = np.random.default_rng(_SEED)
    photo = generator.integers(0, 256, (model.input_size, model.input_size, 3), dtype=np.uint8)
    ones = np.ones(model.animals, np.float32)
    plain = model.score(photo, ones)

    for name, values in (("probabilities", plain.probabilities), ("vision_probabilities", plain.vision)):
        if not np.isfinite(values).all() or values.min() < 0:
            yield f"output {name} has negative, infinite or NaN values; expected probabilities"
        elif abs(values.sum() - 1) > TOLERANCE:
            yield f"output {name} adds up to {values.sum():.4f}; expected 1"
    if not 0 <= plain.animal_probability <= 1 + TOLERANCE:
        yield f"animal_probability is {plain.animal_probability:.4f}; expected a value from 0 to 1"
    if _differ(plain.probabilities, plain.vision):
        yield "a prior of ones changes output probabilities; expected the values of output vision_probabilities"
    if not _identical(plain, model.score(photo, ones)):
        yield "a second run on the same photo gives different values; expected the same values"
    if np.array_equal(plain.vision, model.score(255 - photo, ones).vision):
        yield "another photo gives the same probabilities; expected probabilities that depend on the image"
    yield from _problems_of_prior(model, photo, plain)


def _problems_of_prior(model: Model, photo: NDArray[np.uint8], plain: Scores) -> Iterator[str]:
    prior = np.ones(model.animals, np.float32)
    prior[plain.vision.argmax()] = 0.01
    weighted = model.score(photo, prior)
    expected = plain.vision * prior / (plain.vision * prior).sum()
    if _differ(weighted.vision, plain.vision):
        yield "the prior changes output vision_probabilities; expected no effect on this output"
    if _differ(weighted.probabilities, expected):
        yield "output probabilities is wrong; expected vision_probabilities × prior, normalised to a sum of 1"
    tiny = model.score(photo, np.full(model.animals, 1e-12, np.float32))
    if _differ(tiny.probabilities, plain.vision):
        yield "a prior of 1e-12 for all animals changes output probabilities; expected the same as with ones"


def _differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return not np.allclose(one, other, rtol=0, atol=TOLERANCE)


def _identical(one: Scores, other: Scores) -> bool:
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(astuple(one), astuple(other), strict=True))


def main(arguments: list[str] | None = None) -> int:
    """Check a model or a pack and print its problems. Return 0 if it has none, else 1."""
    parser = argparse.ArgumentParser(prog="python -m model check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "model",
        type=Path,
        metavar="MODEL",
        help=".onnx file of a model, .toml file of a pack, or a pack's name",
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="CSV file of a model's animals (default: labels.csv in the folder of MODEL)",
    )
    parser.add_argument(
        "--taxa",
        type=Path,
        metavar="FILE",
        help="CSV file of the taxa above them (default: taxa.csv in the folder of MODEL)",
    )
    options = parser.parse_args(arguments)
    manifest = _manifest_of(options.model)
    if manifest is not None:
        if options.labels or options.taxa:
            parser.error("--labels and --taxa are for a model; a pack names its labels in its manifest")
        problems = list(check_pack.find_problems(manifest))
        fits = f"pack {manifest.stem} meets the contract and matches its labels"
    else:
        labels = options.labels or options.model.with_name("labels.csv")
        problems = list(find_problems(options.model, labels, options.taxa or options.model.with_name("taxa.csv")))
        fits = f"{options.model.name} meets the contract and matches {labels.name}"
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(fits)
    return 1 if problems else 0


def _manifest_of(given: Path) -> Path | None:
    """Return the manifest if a pack is given, or None if a model is."""
    if given.suffix == ".toml":
        return given
    return PACKS / f"{given}.toml" if given.parent == Path() and not given.suffix else None


if __name__ == "__main__":
    sys.exit(main())

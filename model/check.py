"""Check a model or a pack against its contract in docs/how-to/model.md, and against its labels.

    python -m model check MODEL [--labels labels.csv] [--taxa taxa.csv]
    python -m model check PACK

PACK is the manifest of a pack, or the name of one in model/packs. MODEL_PATH names the general model for a head, and
for a pack whose parent folder has no model. The command prints one line for each problem. It accepts ONNX files from
any tool.
"""

import argparse
import csv
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.certainty import read_certainty
from chalicelib.model.detector import OUTPUTS, Kind, read_classes, read_detectors
from chalicelib.model.families import read_families
from chalicelib.model.fusion import members_of, read_members
from chalicelib.model.manifest import DETECTOR, HEAD, Manifest
from chalicelib.model.models import NO_DETECTOR
from chalicelib.model.packs import INPUT, OUTPUT, REMEDY, PackLabels
from chalicelib.model.session import FEATURES, OPTIONAL, Model, Scores, first_line, load_session
from chalicelib.model.taxonomy import Animal, Taxonomy, read_relatives
from model.build_packs import PACKS

TOLERANCE = 1e-3  # largest accepted difference between equal probabilities, or between a sum and 1
GENERAL = PACKS.with_name("faunalens.onnx")
TABLES = ("relatives.csv", "families.csv", "members.csv", "certainty.json")  # optional files beside a model
KNOWN_TAXA = Path(__file__).parents[1] / "faunalens" / "data" / "taxa.csv"
_SEED = 20261124


def find_problems(path: Path, labels: Path, taxa: Path) -> list[str]:
    """Return one sentence for each problem of a model and its labels."""
    problems: list[str] = []
    model = _made(problems, lambda: Model(path))
    taxonomy = _made(problems, lambda: Taxonomy.read(labels, taxa))
    for name, read in zip(TABLES, (read_relatives, read_families, read_members, read_certainty), strict=True):
        if (table := path.with_name(name)).is_file():
            _made(problems, partial(read, table))
    if taxonomy and (ranges := path.with_name("ranges.csv")).is_file():
        problems += _problems_of_ranges(ranges, labels)
    if model and taxonomy and model.animals != len(taxonomy.animals):
        rows = f"{labels.name} has {len(taxonomy.animals)} rows; expected one row per probability"
        problems.append(f"{path.name} has {model.animals} probabilities, but {rows}")
    if model:
        _made(problems, lambda: problems.extend(_problems_of_runs(model)))
    return problems


def _made[Made](problems: list[str], make: Callable[[], Made]) -> Made | None:
    """Return what `make` returns. If it raises `ModelError`, add the error's lines to `problems` and return None."""
    try:
        return make()
    except ModelError as error:
        problems += str(error).splitlines()
        return None


def _problems_of_ranges(ranges: Path, labels: Path) -> Iterator[str]:
    """Yield a sentence for each taxon in `ranges` that neither the tables beside it nor the database's taxa have."""
    tables = ranges, labels, ranges.with_name("relatives.csv"), *ranges.parent.glob("packs/*.csv"), KNOWN_TAXA
    texts = (each.read_text("utf-8-sig", "replace") for each in tables if each.is_file())
    ranged, *known = ({row.get("taxon", "") for row in csv.DictReader(text.splitlines(True))} for text in texts)
    for taxon in sorted(ranged.difference(*known)):
        yield f"{ranges.name} has the taxon '{taxon}', which no animal has; write it as in {labels.name}, or omit it"


def _problems_of_runs(model: Model) -> Iterator[str]:
    """Run a model on noise, and yield the problems of its outputs. Raise `ModelError` if a run fails."""
    photo, ones = _noise(model.input_size)[0], np.ones(model.animals, np.float32)
    plain = model.score(photo, ones)
    for name, values in (("probabilities", plain.probabilities), ("vision_probabilities", plain.vision)):
        if not np.isfinite(values).all() or values.min() < 0:
            yield f"output {name} has negative, infinite or NaN values; expected probabilities"
        elif abs(values.sum() - 1) > TOLERANCE:
            yield f"output {name} adds up to {values.sum():.4f}; expected 1"
    for name in OPTIONAL:
        if (found := getattr(plain, name)) is not None and not np.isfinite(found).all():
            yield f"output {name} has infinite or NaN values; expected numbers"
    if not 0 <= plain.animal_probability <= 1 + TOLERANCE:
        yield f"animal_probability is {plain.animal_probability:.4f}; expected a value from 0 to 1"
    if _differ(plain.probabilities, plain.vision):
        yield "a prior of ones changes output probabilities; expected the values of output vision_probabilities"
    if not _identical(astuple(plain), astuple(model.score(photo, ones))):
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


def _noise(size: int) -> NDArray[np.uint8]:
    """Return an image of noise, shape (1, size, size, 3)."""
    return np.random.default_rng(_SEED).integers(0, 256, (1, size, size, 3), dtype=np.uint8)


def _differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return not np.allclose(one, other, rtol=0, atol=TOLERANCE)


def _identical(one: Sequence[Any], other: Sequence[Any]) -> bool:
    return all(a is None or np.array_equal(a, b, equal_nan=True) for a, b in zip(one, other, strict=True))


def find_pack_problems(file: Path, general: Path = GENERAL) -> list[str]:
    """Return one sentence for each problem of a pack. `file`: its manifest. `general`: the general model before it."""
    problems: list[str] = []
    if (manifest := _made(problems, lambda: Manifest.read(file))) is None:
        return problems
    labels = classes = None
    if manifest.kind == DETECTOR:
        classes = _made(problems, lambda: read_classes(manifest.labels))
    elif (labels := _made(problems, lambda: PackLabels.read(manifest.labels))) and manifest.kind != HEAD:
        animals = labels.animals
        _made(problems, lambda: problems.extend(_problems_of_animals(manifest, animals, general)))
    session = _made(problems, lambda: load_session(manifest.model, 1, REMEDY))
    if session is not None:
        is_head = manifest.kind == HEAD
        its_form = partial(_problems_of_head, general) if is_head else partial(_problems_of_form, classes or {})
        form = _made(problems, lambda: [*its_form(manifest, session, labels)])
        problems += form or ()
        if form == []:
            _made(problems, lambda: problems.extend(_problems_of_pack_runs(manifest, session)))
    return problems


def _problems_of_animals(manifest: Manifest, animals: Sequence[Animal], general: Path) -> Iterator[str]:
    """Yield a sentence for each animal that is outside the pack's taxa, unknown to the database, or contradicts others.

    `general`: the general model before the pack, if the parent of the pack's folder has none.
    """
    name, known, above = manifest.labels.name, None, manifest.file.parent.parent
    if manifest.file.parent.resolve() == PACKS.resolve():
        with KNOWN_TAXA.open(encoding="utf-8", newline="") as file:
            known = {row["taxon"]: row["number"] for row in csv.DictReader(file)}
    is_outside = not (above / "labels.csv").is_file()
    folder = general.parent if is_outside else above
    taxonomy = Taxonomy.read(folder / "labels.csv", folder / "taxa.csv")
    every = (*taxonomy.animals, *animals)
    yield from _problems_of_tree(name, every)
    if not is_outside:  # else the app gives ids (`Models._id_of`)
        yield from _problems_of_ids(name, every)
    taxa = " or ".join(manifest.taxa)
    if not members_of(taxonomy, frozenset(manifest.taxa)).any():
        yield f"no animal in {folder / 'labels.csv'} is in {taxa}, so the pack scores no photo; correct taxa"
    for animal in animals:
        if not {taxon.scientific_name for taxon in animal.lineage} & {*manifest.taxa}:
            yield f"'{animal.name}' in {name} is not in {taxa}, the taxa of the pack"
        if known is not None and known.get(animal.taxon_id) != str(animal.id):
            there = f"{known.get(animal.taxon_id, 'no row')} in faunalens/data/taxa.csv; its ranges would not be found"
            yield f"taxon {animal.taxon_id} of {name} has id {animal.id}, but {there}"


def _problems_of_tree(name: str, animals: Iterable[Animal]) -> Iterator[str]:
    """Yield a sentence for each taxon in two places of the tree. `name`: name of the labels' file."""
    lineages: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for animal in animals:
        above: list[tuple[str, str]] = []
        for taxon in animal.lineage[:-1]:
            key = taxon.scientific_name, taxon.rank
            if lineages.setdefault(key, above[:]) != above:
                yield f"{name} has {key[1]} {key[0]} in two places of the tree, one of them above '{animal.name}'"
            above.append(key)


def _problems_of_ids(name: str, animals: Iterable[Animal]) -> Iterator[str]:
    """Yield a sentence for each animal with another animal's id or with two ids. `name`: name of the labels' file."""
    ids: dict[int, str] = {}
    numbers: dict[str, int] = {}
    for animal in animals:
        if ids.setdefault(animal.id, animal.taxon_id) != animal.taxon_id:
            yield f"{name} gives {animal.taxon_id} the id {animal.id}, which {ids[animal.id]} has; ids are unique"
        elif (number := numbers.setdefault(animal.taxon_id, animal.id)) != animal.id:
            yield f"{name} gives {animal.taxon_id} the id {animal.id}, and the general model {number}; give it that one"


def _problems_of_form(
    classes: Mapping[Kind, Sequence[int]], manifest: Manifest, session: Any, labels: PackLabels | None
) -> Iterator[str]:
    """Yield a sentence for each way in which a pack's model breaks the contract. `classes`: a detector's classes."""
    name, size = manifest.model.name, manifest.size
    found = {each.name: (each.type, list(each.shape)) for each in _tensors(session)}
    expected = {INPUT: "tensor(uint8)"}
    expected |= dict.fromkeys(OUTPUTS if manifest.kind == DETECTOR else (OUTPUT,), "tensor(float)")
    if {key: type_ for key, (type_, _) in found.items()} != expected:
        shown = ", ".join(f"{key} {type_}" for key, (type_, _) in found.items())
        yield f"{name} has {shown}; expected {', '.join(f'{key} {type_}' for key, type_ in expected.items())}"
        return
    batch, *image = found[INPUT][1]
    is_free = manifest.kind == DETECTOR and not any(isinstance(side, int) for side in image[:2])
    if image != [*(image[:2] if is_free else (size, size)), 3] or (isinstance(batch, int) and batch != 1):
        expected_shape = f"N × {size} × {size} × 3, as in the manifest"
        yield f"input {INPUT} of {name} has shape {found[INPUT][1]}; expected {expected_shape}"
    if manifest.kind == DETECTOR:
        boxes, scores = found["boxes"][1], found["scores"][1]
        if len(boxes) != 3 or len(scores) != 3 or boxes[1] != scores[1] or boxes[2] != 4:
            yield f"outputs of {name} have shapes {boxes} and {scores}; expected N × A × 4 and N × A × classes"
        last = max((index for indices in classes.values() for index in indices), default=-1)
        if isinstance(scores[-1], int) and scores[-1] <= last:
            its_outputs = f"{name} has only the outputs 0 to {scores[-1] - 1}"
            yield f"{manifest.labels.name} has the output_index {last}; {its_outputs}"
        return
    shape = found[OUTPUT][1]
    if labels is not None and shape[1:] != [len(labels.animal_of)]:
        expected_shape = f"N × {len(labels.animal_of)}, one for each row of {manifest.labels.name}"
        yield f"output {OUTPUT} of {name} has shape {shape}; expected {expected_shape}"


def _problems_of_head(general: Path, manifest: Manifest, session: Any, labels: PackLabels | None) -> Iterator[str]:
    """Yield a sentence for each way in which a head does not fit the general model or its own labels."""
    name, version = manifest.model.name, Model(general).version
    if manifest.general != version:
        other = f"{manifest.file.name} is for the general model {manifest.general}, not {version} ({general.name})"
        yield f"{other}; train it again, or set MODEL_PATH to its model"
    if read_detectors(general.with_name("packs"), "never", outside=manifest.file.parent) is None:
        yield NO_DETECTOR
    if labels is None:
        return
    found = {each.name: (each.type, len(each.shape), each.shape[1]) for each in _tensors(session)}
    features, outputs = found.get(FEATURES, ("", 0, "F"))[2], len(labels.animal_of) + 1
    expected = {FEATURES: ("tensor(float)", 2, features), OUTPUT: ("tensor(float)", 2, outputs)}
    if found != expected or not isinstance(features, int):
        rows = f"one for each row of {manifest.labels.name}, and one for all others"
        yield f"{name} has {found}; expected input {FEATURES}, crops × F, and output {OUTPUT}, 1 × {outputs}: {rows}"
    for taxon in sorted(manifest.thresholds.keys() - {animal.taxon_id for animal in labels.animals}):
        yield f"{manifest.file.name} has a threshold of {taxon}, which is not in {manifest.labels.name}"


def _tensors(session: Any) -> list[Any]:
    return [*session.get_inputs(), *session.get_outputs()]


def _problems_of_pack_runs(manifest: Manifest, session: Any) -> Iterator[str]:
    """Run the pack on noise, and yield the problems of its outputs. Raise `ModelError` if a run fails."""
    name, is_head = manifest.model.name, manifest.kind == HEAD
    photo: NDArray[Any] = _noise(manifest.size)
    if is_head:  # its input is not a photo but the features of two crops, with values from 0 to 6
        count = session.get_inputs()[0].shape[1]
        photo = np.random.default_rng(_SEED).random((2, count), np.float32) * np.linspace(0, 6, count, dtype=np.float32)
    first, second, other = (_run(session, each, name) for each in (photo, photo, photo.max() - photo))
    for output, values in zip(session.get_outputs(), first, strict=True):
        if not np.isfinite(values).all():
            yield f"output {output.name} of {name} has infinite or NaN values; expected numbers"
        elif output.name == OUTPUT and (values.min() < 0 or abs(values.sum() - 1) > TOLERANCE):
            yield f"output {output.name} of {name} adds up to {values.sum():.4f}; expected probabilities, 1 in all"
        elif output.name == "scores" and not 0 <= values.min() <= values.max() <= 1 + TOLERANCE:
            yield f"output scores of {name} is {values.min():.2f} to {values.max():.2f}; expected values from 0 to 1"
    if not _identical(first, second):
        yield f"a second run of {name} on the same photo gives different values; expected the same values"
    if not is_head and _identical(first, other):  # a head may call every noise another animal
        yield f"{name} gives the same values for another photo; expected values that depend on the image"


def _run(session: Any, photo: NDArray[Any], name: str) -> list[NDArray[np.float32]]:
    try:
        outputs: list[NDArray[np.float32]] = session.run(None, {session.get_inputs()[0].name: photo})
    except Exception as error:  # onnxruntime's errors have no common base class
        raise ModelError(f"inference with {name} failed: {first_line(error)}") from error
    return outputs


def main(arguments: list[str] | None = None) -> int:
    """Check a model or a pack and print its problems. Return 0 if it has none, else 1."""
    parser = argparse.ArgumentParser(prog="python -m model check", description=(__doc__ or "").partition("\n")[0])
    text = ".onnx file of a model, .toml file of a pack, or a pack's name"
    parser.add_argument("model", type=Path, metavar="MODEL", help=text)
    for name, what in (("labels", "a model's animals"), ("taxa", "the taxa above them")):
        text = f"CSV file of {what} (default: {name}.csv in the folder of MODEL)"
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=text)
    options = parser.parse_args(arguments)
    model: Path = options.model
    if model.parent == Path() and not model.suffix:  # the name of a pack
        model = PACKS / f"{model}.toml"
    if model.suffix == ".toml":
        if options.labels or options.taxa:
            parser.error("--labels and --taxa are for a model; a pack names its labels in its manifest")
        problems = find_pack_problems(model, Path(os.environ.get("MODEL_PATH") or GENERAL))
        fits = f"pack {model.stem} meets the contract and matches its labels"
    else:
        labels = options.labels or model.with_name("labels.csv")
        problems = find_problems(model, labels, options.taxa or model.with_name("taxa.csv"))
        fits = f"{model.name} meets the contract and matches {labels.name}"
    print("\n".join(problems) or fits, file=sys.stderr if problems else sys.stdout)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

"""Check a pack against the contract in docs/how-to/model.md: its manifest, its labels and its ONNX file."""

import csv
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.model.detector import OUTPUTS, read_classes
from chalicelib.model.manifest import DETECTOR, Manifest
from chalicelib.model.packs import INPUT, OUTPUT, REMEDY, PackLabels
from chalicelib.model.session import first_line, load_session
from chalicelib.model.taxonomy import Animal, Taxonomy

TOLERANCE = 1e-3  # largest accepted difference of a sum from 1
KNOWN_TAXA = Path(__file__).parents[1] / "database" / "taxa.csv"
_OWN = Path(__file__).parent / "packs"
_SEED = 20261124


def find_problems(file: Path) -> Iterator[str]:
    """Yield one sentence for each problem of a pack. `file`: its manifest."""
    try:
        manifest = Manifest.read(file)
    except ModelError as error:
        yield from str(error).splitlines()
        return
    labels: PackLabels | None = None
    try:
        if manifest.kind == DETECTOR:
            read_classes(manifest.labels)
        else:
            labels = PackLabels.read(manifest.labels)
            yield from _problems_of_animals(manifest, labels.animals)
    except ModelError as error:
        yield str(error)
    try:
        session = load_session(manifest.model, 1, REMEDY)
    except ModelError as error:
        yield str(error)
        return
    problems = [*_problems_of_form(manifest, session, labels)]
    yield from problems
    if not problems:
        yield from _problems_of_runs(manifest, session)


def _problems_of_animals(manifest: Manifest, animals: Sequence[Animal]) -> Iterator[str]:
    """Yield the animals that are outside of the pack's taxa, unknown to the database, or contradict other labels."""
    name, known = manifest.labels.name, _known_taxa() if manifest.file.parent.resolve() == _OWN else None
    lineages: dict[tuple[str, str], list[tuple[str, str]]] = {}
    ids: dict[int, str] = {}
    for animal in (*_general_animals(manifest), *animals):
        above: list[tuple[str, str]] = []
        for taxon in animal.lineage[:-1]:
            key = taxon.scientific_name, taxon.rank
            if lineages.setdefault(key, above[:]) != above:
                yield f"{name} has {key[1]} {key[0]} in two places of the tree, one of them above '{animal.name}'"
            above.append(key)
        if ids.setdefault(animal.id, animal.taxon_id) != animal.taxon_id:
            yield f"{name} gives {animal.taxon_id} the id {animal.id}, which {ids[animal.id]} has; ids are unique"
    for animal in animals:
        if not {taxon.scientific_name for taxon in animal.lineage} & {*manifest.taxa}:
            yield f"'{animal.name}' in {name} is not in {' or '.join(manifest.taxa)}, the taxa of the pack"
        if known is not None and known.get(animal.taxon_id) != str(animal.id):
            yield (
                f"taxon {animal.taxon_id} of {name} has id {animal.id}, but "
                f"{known.get(animal.taxon_id, 'no row')} in database/taxa.csv; its ranges would not be found"
            )


def _general_animals(manifest: Manifest) -> Sequence[Animal]:
    """Return the animals of the general model in the folder above the pack's, or none if there is no such model."""
    above = manifest.file.parent.parent
    labels, taxa = above / "labels.csv", above / "taxa.csv"
    return Taxonomy.read(labels, taxa).animals if labels.is_file() and taxa.is_file() else ()


@cache
def _known_taxa() -> dict[str, str]:
    with KNOWN_TAXA.open(encoding="utf-8", newline="") as file:
        return {row["taxon"]: row["number"] for row in csv.DictReader(file)}


def _problems_of_form(manifest: Manifest, session: Any, labels: PackLabels | None) -> Iterator[str]:
    """Yield the inputs and outputs that break the contract."""
    name, size = manifest.model.name, manifest.size
    found = {each.name: (each.type, list(each.shape)) for each in (*session.get_inputs(), *session.get_outputs())}
    expected = {INPUT: "tensor(uint8)"}
    expected |= dict.fromkeys(OUTPUTS if manifest.kind == DETECTOR else (OUTPUT,), "tensor(float)")
    if {key: type_ for key, (type_, _) in found.items()} != expected:
        shown = ", ".join(f"{key} {type_}" for key, (type_, _) in found.items())
        yield f"{name} has {shown}; expected {', '.join(f'{key} {type_}' for key, type_ in expected.items())}"
        return
    batch, *image = found[INPUT][1]
    if image != [size, size, 3] or (isinstance(batch, int) and batch != 1):
        yield (
            f"input {INPUT} of {name} has shape {found[INPUT][1]}; expected N × {size} × {size} × 3, as in the manifest"
        )
    if manifest.kind == DETECTOR:
        boxes, scores = found["boxes"][1], found["scores"][1]
        if len(boxes) != 3 or len(scores) != 3 or boxes[1] != scores[1] or boxes[2] != 4:
            yield f"outputs of {name} have shapes {boxes} and {scores}; expected N × A × 4 and N × A × classes"
        return
    shape = found[OUTPUT][1]
    if labels is not None and shape[1:] != [len(labels.animal_of)]:
        yield (
            f"output {OUTPUT} of {name} has shape {shape}; expected N × {len(labels.animal_of)}, one for each row of "
            f"{manifest.labels.name}"
        )


def _problems_of_runs(manifest: Manifest, session: Any) -> Iterator[str]:
    """Run the pack on noise, and yield the problems of its outputs."""
    name, shape = manifest.model.name, (1, manifest.size, manifest.size, 3)
    photo = np.random.default_rng(_SEED).integers(0, 256, shape, dtype=np.uint8)
    try:
        first, second, other = (_run(session, each, name) for each in (photo, photo, 255 - photo))
    except ModelError as error:
        yield str(error)
        return
    for output, values in zip(session.get_outputs(), first, strict=True):
        if not np.isfinite(values).all():
            yield f"output {output.name} of {name} has infinite or NaN values; expected numbers"
        elif output.name == OUTPUT and (values.min() < 0 or abs(values.sum() - 1) > TOLERANCE):
            yield f"output {output.name} of {name} adds up to {values.sum():.4f}; expected probabilities, 1 in all"
        elif output.name == "scores" and not 0 <= values.min() <= values.max() <= 1 + TOLERANCE:
            yield f"output scores of {name} is {values.min():.2f} to {values.max():.2f}; expected values from 0 to 1"
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True)):
        yield f"a second run of {name} on the same photo gives different values; expected the same values"
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, other, strict=True)):
        yield f"{name} gives the same values for another photo; expected values that depend on the image"


def _run(session: Any, photo: NDArray[np.uint8], name: str) -> list[NDArray[np.float32]]:
    try:
        outputs: list[NDArray[np.float32]] = session.run(None, {INPUT: photo})
    except Exception as error:  # onnxruntime's errors have no common base class
        raise ModelError(f"inference with {name} failed: {first_line(error)}") from error
    return outputs

"""Write a trained head as a pack: ONNX, manifest, labels, and the model card."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.config import VERSION
from chalicelib.features.cells import parse_cell, prepare, text_of
from chalicelib.model.packs import LABEL_COLUMNS, id_of
from chalicelib.model.taxonomy import RANKS, Animal, Taxon
from cli.errors import CommandError
from cli.photos import thumbnail
from cli.study.taxa import ANIMALS, lineage_of, taxon_of, taxon_rank
from cli.training.card import SIDE, markdown, page
from cli.training.evaluation import Evaluation
from cli.training.fit import INSTALL, Head
from database.areas.area_cells import read_names
from database.dataset_files import AREAS, read_rows

OPSET, IR_VERSION = 17, 8
COUNTRY = 2
"""Letters of the code of a country; those of its parts are longer."""
UNSAID = "not stated"
"""Licence and author of a pack whose maker has not said them: a manifest must have both."""


@dataclass(frozen=True, slots=True)
class About:
    """What a pack says beside figures. `cells`, `areas` (countries): where the head is used; everywhere without any.

    `with_photos`: whether the card's page shows photos.
    """

    licence: str
    author: str
    cells: frozenset[int]
    areas: tuple[str, ...]
    with_photos: bool = True


def animals_of(taxa: Sequence[str], known: Mapping[str, Animal]) -> tuple[Animal, ...]:
    """Return the animals of scientific names. `known`: those of this release's models, by taxon id."""
    animals = []
    for index, latin in enumerate(taxa):
        taxon_id = latin.lower().replace(" ", "-")
        if taxon_id in known:
            animals.append(known[taxon_id]._replace(output_index=index))
            continue
        meant, ranks = taxon_of((ANIMALS, latin)), lineage_of(latin).ranks
        line = tuple(Taxon(lineage_of(name).name or name, name, at) for at, name in ranks.items())
        rank = taxon_rank(meant.rank)
        animals.append(Animal(id_of(taxon_id), taxon_id, index, meant.name, latin, rank, "wild", line))
    return tuple(animals)


def areas_named(cells: Iterable[int], areas: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the areas with these codes, and of the countries and their parts that the cells are in."""
    names, wanted = read_names(), {text_of(cell) for cell in cells}
    shares = " ".join(row["areas"] for row in read_rows(AREAS / "cell_subdivisions.csv.gz") if row["cell"] in wanted)
    found = {area for area, _, share in (part.rpartition(":") for part in shares.split()) if float(share) > 0}
    return tuple(sorted({names.get(code, code) for code in {*found, *areas}}))


def cells_in(areas: Iterable[str]) -> frozenset[int]:
    """Return the cells in parts of countries, given by code; a wider cell stands for cells that fill it."""
    wanted = {area for area in areas if len(area) > COUNTRY}
    rows = read_rows(AREAS / "cell_subdivisions.csv.gz")
    inside = [
        row["cell"] for row in rows if not wanted.isdisjoint(part.partition(":")[0] for part in row["areas"].split())
    ]
    return frozenset(prepare().compact_cells([parse_cell(cell) for cell in inside]))


def write_pack(folder: Path, head: Head, evaluation: Evaluation, about: About) -> list[Path]:
    """Write a pack into a folder, in place of an earlier one of its name. Return its files."""
    taxa, name = evaluation.taxa, evaluation.name
    worst = evaluation.worst() if about.with_photos else ()
    thumbnails = {each.photo: thumbnail(each.photo, SIDE) for each in worst}
    pictures = {photo: picture for photo, picture in thumbnails.items() if picture}
    files = {
        "onnx": onnx_of(head, name, evaluation.general),
        "csv": labels_of(taxa).encode(),
        "md": markdown(evaluation).encode(),
        "html": page(evaluation, pictures).encode(),
        "toml": manifest_of(evaluation, about).encode(),  # last: with it, the pack is one
    }
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for ending, data in files.items():
            path = folder / f"{name}.{ending}"
            path.write_bytes(data)
            written.append(path)
    except OSError as error:
        raise CommandError(
            f"the pack cannot be written into {folder} ({error.strerror}); choose another folder"
        ) from error
    return written


def labels_of(taxa: Sequence[Animal]) -> str:
    """Return the labels of a pack, as a CSV file."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(LABEL_COLUMNS)
    for index, animal in enumerate(taxa):
        line = {taxon.rank: taxon.scientific_name for taxon in animal.lineage}
        fields = (animal.id, animal.taxon_id, animal.name, animal.scientific_name, animal.rank, animal.kind)
        writer.writerow((index, animal.scientific_name, *fields, *(line.get(rank, "") for rank in RANKS)))
    return file.getvalue()


def manifest_of(evaluation: Evaluation, about: About) -> str:
    """Return the manifest of a head, as TOML. JSON's texts and lists are TOML's too."""
    facts: dict[str, Any] = {
        "kind": "head",
        "enabled": True,
        "licence": about.licence or UNSAID,
        "author": about.author or UNSAID,
        "general": evaluation.general,
    }
    if evaluation.night:
        facts["night"] = True
    if about.areas:
        facts["areas"] = list(about.areas)
    if about.cells:
        facts["cells"] = sorted(map(text_of, about.cells))
    thresholds = {taxon: floor(1e4 * least) / 1e4 for taxon, least in evaluation.thresholds.items()}
    lines = [
        f"# A head trained by Faunalens {VERSION} on {evaluation.photos:,} photos of {evaluation.cameras:,} cameras.",
        f"# {evaluation.name}.md is its model card.",
        *(f"{key} = {json.dumps(value, ensure_ascii=False, allow_nan=False)}" for key, value in facts.items()),
        *("", "[outputs]", f'labels = "{evaluation.name}.csv"'),
        *("", f"# Least probability of a name: {evaluation.precision:.0%} of such names are right."),
        "[thresholds]",
        *(f"{taxon} = {least}" for taxon, least in thresholds.items()),
    ]
    return "\n".join(lines) + "\n"


def onnx_of(head: Head, name: str, general: str) -> bytes:
    """Return a head as an ONNX model: from the features of an animal's crops to probabilities.

    features f32 N×F ─ √ ─ mean ┬ logits ─ ÷ T ─ softmax ─ × (1 − other) ┬► probabilities f32 1×(K+1)
                                └ distance to the nearest taxon ─ other ─┘
    """
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise CommandError(INSTALL) from error
    taxa, size = head.weights.shape
    slope, middle = head.far
    constants = {
        "zero": 0.0,
        "one": 1.0,
        "weights": head.weights.T / head.temperature,
        "bias": head.bias / head.temperature,
        "means": head.means,
        "slope": slope,
        "middle": middle,
    }
    nodes: list[tuple[str, str, str, dict[str, Any]]] = [
        ("Max", "features zero", "positive", {}),
        ("Sqrt", "positive", "roots", {}),
        ("ReduceMean", "roots", "pooled", {"axes": [0]}),
        ("Gemm", "pooled weights bias", "logits", {}),
        ("Softmax", "logits", "shares", {"axis": 1}),
        ("Sub", "pooled means", "gaps", {}),
        ("ReduceSumSquare", "gaps", "distances", {"axes": [1]}),
        ("ReduceMin", "distances", "nearest", {"axes": [0]}),
        ("Sub", "nearest middle", "beyond", {}),
        ("Mul", "beyond slope", "steep", {}),
        ("Sigmoid", "steep", "other", {}),
        ("Sub", "one other", "known", {}),
        ("Mul", "shares known", "taxa", {}),
        ("Concat", "taxa other", "probabilities", {"axis": 1}),
    ]
    graph = helper.make_graph(
        [
            helper.make_node(kind, inputs.split(), [output], output, **options)
            for kind, inputs, output, options in nodes
        ],
        name,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["crops", size])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, taxa + 1])],
        [numpy_helper.from_array(np.asarray(each, np.float32), key) for key, each in constants.items()],
    )
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="faunalens train")
    helper.set_model_props(model, {"name": name, "general": general})
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))

"""Write a trained head as a pack: ONNX, manifest, labels, and the model card."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from math import floor
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.config import VERSION
from chalicelib.location import h3, parse_cell, text_of
from chalicelib.model.packs import LABEL_COLUMNS, id_of
from chalicelib.model.taxonomy import RANKS, Animal, Taxon
from faunalens.data.areas.area_cells import read_names
from faunalens.data.dataset_files import AREAS, read_rows
from faunalens.errors import CommandError
from faunalens.study.photos import thumbnail
from faunalens.taxa.taxa import ANIMALS, lineage_of, taxon_of, taxon_rank
from faunalens.training.card import SIDE, markdown, page
from faunalens.training.evaluation import About, Evaluation
from faunalens.training.fit import Head

GRAPH = Path(__file__).with_name("head.onnxtxt")
"""The model of a head in the text form of ONNX, without its constants. %d: number of features, number of outputs."""
COUNTRY = 2
"""Number of letters in a country's code; the codes of its parts are longer."""
UNSAID = "not stated"
"""Stands for a licence or an author that the pack's maker has not stated: a manifest must have both."""


def animals_of(taxa: Sequence[str], known: Mapping[str, Animal]) -> tuple[Animal, ...]:
    """Return the animal of each scientific name in `taxa`. `known`: animals of this release's models, by taxon id."""
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


def _areas_by_cell() -> Iterator[tuple[int, dict[str, float]]]:
    """Yield each cell with the share of it that each country and each part of one covers, by the area's code."""
    for row in read_rows(AREAS / "cell_subdivisions.csv.gz"):
        parts = (part.partition(":") for part in row["areas"].split())
        yield parse_cell(row["cell"]), {area: float(share) for area, _, share in parts}


def areas_named(cells: Set[int], areas: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the areas with these codes, and of the countries (or parts of them) that the cells lie in."""
    names = read_names()
    found = {area for cell, shares in _areas_by_cell() if cell in cells for area in shares if shares[area] > 0}
    return tuple(sorted({names.get(code, code) for code in {*found, *areas}}))


def cells_in(areas: Iterable[str]) -> frozenset[int]:
    """Return the H3 cells in countries or parts of them, by code. Cells that fill a coarser cell become that cell."""
    wanted = {area for area in areas if len(area) > COUNTRY}
    return frozenset(h3().compact_cells([cell for cell, shares in _areas_by_cell() if wanted & shares.keys()]))


def write_pack(folder: Path, head: Head, evaluation: Evaluation, *, with_photos: bool) -> list[Path]:
    """Write a pack over an earlier one of its name. Return its files. `with_photos`: whether its card shows photos."""
    worst = evaluation.worst() if with_photos else ()
    pictures = {each.photo: picture for each in worst if (picture := thumbnail(each.photo, SIDE))}
    files = {
        "onnx": onnx_of(head, evaluation.about),
        "csv": labels_of(evaluation.about.taxa).encode(),
        "md": markdown(evaluation).encode(),
        "html": page(evaluation, pictures).encode(),
        "toml": manifest_of(evaluation).encode(),  # last: only a manifest makes the files a pack
    }
    paths = [folder / f"{evaluation.about.name}.{ending}" for ending in files]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, data in zip(paths, files.values(), strict=True):
            path.write_bytes(data)
    except OSError as error:
        what = f"the pack cannot be written into {folder} ({error.strerror})"
        raise CommandError(f"{what}; choose another folder") from error
    return paths


def labels_of(taxa: Sequence[Animal]) -> str:
    """Return the labels of a pack as the text of a CSV file, with a row for each taxon in the order of the outputs."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(LABEL_COLUMNS)
    for index, animal in enumerate(taxa):
        line = {taxon.rank: taxon.scientific_name for taxon in animal.lineage}
        fields = (animal.id, animal.taxon_id, animal.name, animal.scientific_name, animal.rank, animal.kind)
        writer.writerow((index, animal.scientific_name, *fields, *(line.get(rank, "") for rank in RANKS)))
    return file.getvalue()


def manifest_of(evaluation: Evaluation) -> str:
    """Return the manifest of a head as TOML. Its texts and lists are written as JSON, which is valid TOML."""
    about, total = evaluation.about, evaluation.total
    facts: dict[str, Any] = {
        "kind": "head",
        "enabled": True,
        "licence": about.licence or UNSAID,
        "author": about.author or UNSAID,
        "general": about.general,
    }
    if about.night:
        facts["night"] = True
    if about.areas:
        facts["areas"] = list(about.areas)
    if about.cells:
        facts["cells"] = sorted(map(text_of, about.cells))
    thresholds = {taxon: floor(1e4 * least) / 1e4 for taxon, least in evaluation.thresholds.items()}
    lines = [
        f"# A head trained by Faunalens {VERSION} on {total.photos:,} photos of {total.cameras:,} cameras.",
        f"# {about.name}.md is its model card.",
        *(f"{key} = {json.dumps(value, ensure_ascii=False, allow_nan=False)}" for key, value in facts.items()),
        *("", "[outputs]", f'labels = "{about.name}.csv"'),
        *("", f"# Least probability of a name: {about.precision:.0%} of such names are right."),
        "[thresholds]",
        *(f"{taxon} = {least}" for taxon, least in thresholds.items()),
    ]
    return "\n".join(lines) + "\n"


def onnx_of(head: Head, about: About) -> bytes:
    """Return a head as ONNX. Input: features of an animal's N crops, f32 N×F. Output: probabilities, f32 1×(K+1)."""
    from onnx import checker, helper, numpy_helper, parser

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
    model = parser.parse_model(GRAPH.read_text(encoding="utf-8") % (size, taxa + 1))
    model.graph.name = about.name
    model.graph.initializer.extend(
        numpy_helper.from_array(np.asarray(each, np.float32), key) for key, each in constants.items()
    )
    helper.set_model_props(model, {"name": about.name, "general": about.general})
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))

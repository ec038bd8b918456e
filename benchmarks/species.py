"""How well the models name birds and insects together: accuracy, calibration, and which photos reach a pack.

    python -m benchmarks.species --species DIR --general DIR [--places FILE]

`--species`: a folder with photos and truth.csv (columns file, pack, index, scientific_name). `--general`: a folder of
photos named <output index>_…, of any animals. `--places`: a CSV file with a place for each species (columns
scientific_name, latitude, longitude), from a source other than our ranges. Photos are scored by the code that answers
requests.
docs/explanation/packs.md explains the tables.
"""

import argparse
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.measure import table
from chalicelib.config.settings import Settings
from chalicelib.features.cells import cell_of
from chalicelib.features.features import NO_LOCATION, Features
from chalicelib.model.fusion import members_of, read_members
from chalicelib.model.models import FusedScores, Models
from chalicelib.model.naming import SPECIES_OF_PACK, Naming
from chalicelib.model.packs import Pack
from chalicelib.model.relatives import Relatives
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Animal, Taxonomy
from chalicelib.photo.decode import Limits, open_photo
from database.dataset import read_dataset
from model.photos import read_photos

NAMED = SPECIES_OF_PACK
"""Probability from which an answer names a species."""
_BINS = 10
_GROUPS = ("order", "family", "genus")
_CLASSES = {"bird": "Aves", "insect": "Insecta"}
"""Values of column `pack` in truth.csv, and the class of each."""


class Result(NamedTuple):
    """One photo. `rank`: of the right animal among the candidates, 0 for the first. `score`: of the first one."""

    source: str
    pack: str
    rank: int
    score: float
    opened: bool


def build_models() -> Models:
    """Return the models that answer requests, with one thread."""
    settings = Settings()
    path = settings.model_path
    taxonomy = Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
    return Models(Model(path, threads=1), taxonomy, path.parent, settings.prior_floor, threads=1)


def build_naming(models: Models) -> Naming:
    """Return the rule that names animals, as for requests."""
    settings = Settings()
    relatives = Relatives(settings.model_path.with_name("relatives.csv"))
    return Naming(relatives, settings.rank_threshold, settings.degraded_threshold, models.floor)


def read_places(path: Path) -> dict[str, int]:
    """Return the cell of each species, by scientific name."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["scientific_name"]: cell_of(float(row["latitude"]), float(row["longitude"])) for row in rows}


def features_of(cells: Iterable[int]) -> dict[int, Features]:
    """Return the features of cells, as a request would find them."""
    dataset, wanted = read_dataset(), set(cells)
    areas = {cell.cell: cell for cell in dataset.cells if cell.cell in wanted}
    rows = np.concatenate([part[np.isin(part["cell"], list(wanted))] for part in dataset.cell_animals])
    found = {}
    for cell in wanted & areas.keys():
        here = np.sort(rows[rows["cell"] == cell], order="animal")
        found[cell] = Features(
            "narrowed",
            "miss",
            dataset.version,
            areas[cell].areas,
            here["animal"].astype(np.int32),
            here["weight"].astype(np.float32),
            here["status"].astype(np.uint8),
            np.array(dataset.unknown, np.int32),
            np.array(areas[cell].relatives, np.uint16),
        )
    return found


def score_species(models: Models, folder: Path, cells: dict[str, int], places: dict[int, Features]) -> Iterator[Result]:
    """Score the photos of a folder with truth.csv. With `cells`, only those of species that have a place."""
    for row, animal, _ in _rows(models, folder):
        features = NO_LOCATION
        if cells:
            name = " ".join(row["scientific_name"].split()[:2])
            if cells.get(name) not in places:
                continue
            features = places[cells[name]]
        square = open_photo((folder / row["file"]).read_bytes(), Limits()).pixels(models.general.input_size)
        scores, _ = models.score([square], features)
        yield Result(row["file"].partition("_")[0], row["pack"], _rank(scores, animal), *_first(scores))


class Unknown(NamedTuple):
    """What an answer names if no model knows the species. `species`: a wrong species. `group`: its family or order."""

    pack: str
    species: bool
    group: bool


def as_unknown(models: Models, naming: Naming, folder: Path) -> Iterator[Unknown]:
    """Yield what answers name if each photo's species is taken out of its pack."""
    for row, animal, pack in _rows(models, folder):
        square = open_photo((folder / row["file"]).read_bytes(), Limits()).pixels(models.general.input_size)
        sight = models.look_at(square, NO_LOCATION)
        others = pack.score(square)
        others[animal.output_index] = 0
        sight.of_packs[pack.name] = others / others.sum()
        scores = models.fuse([sight], NO_LOCATION)
        named = naming.name(scores, NO_LOCATION).prediction
        taxa = {(each.scientific_name, each.rank) for each in animal.lineage if each.rank in _GROUPS}
        own = (named.taxon.scientific_name, named.taxon.rank) if named else ("", "")
        yield Unknown(row["pack"], own[1] == "species", own in taxa)


def of_results(results: list[Result]) -> list[str]:
    """Return the cells of a table: number, first, among five, expected calibration error, named and right, opened."""
    ranks, scores = np.array([each.rank for each in results]), np.array([each.score for each in results])
    right = ranks == 0
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    error = sum(abs(scores[bins == each].sum() - right[bins == each].sum()) for each in range(_BINS)) / len(results)
    named = scores >= NAMED
    opened = np.mean([each.opened for each in results])
    shares = (right.mean(), (ranks < 5).mean(), error, named.mean(), right[named].mean(), opened)
    return [str(len(results)), *(f"{share:.1%}" for share in shares)]


def of_general(models: Models, folder: Path) -> str:
    """Return a table of the general photos: accuracy before and after the packs, and how many photos reach a pack."""
    classes = read_members(Settings().model_path.with_name("members.csv"))
    taxonomy, rows = models.taxonomy, []
    in_class = {name: members_of(taxonomy, {taxon}) for name, taxon in _CLASSES.items()}
    found: dict[str, list[tuple[bool, ...]]] = {}
    for photo in read_photos(folder, models.general.input_size):
        if photo.label >= len(taxonomy.animals):
            continue
        animal = taxonomy.animals[photo.label]
        scores, _ = models.score([photo.pixels], NO_LOCATION)
        before = models.general.score(photo.pixels, np.ones(len(taxonomy.animals), np.float32)).vision.argmax()
        own = classes.get(animal.taxon_id, set()) | {(animal.taxon.scientific_name, animal.taxon.rank)}
        right = [
            not own.isdisjoint((each.scientific_name, each.rank) for each in best.lineage)
            for best in (taxonomy.animals[int(before)], scores.taxonomy.animals[int(scores.probabilities.argmax())])
        ]
        kind = next((name for name, members in in_class.items() if members[photo.label]), "other animal")
        found.setdefault(kind, []).append((*right, bool(scores.packs)))
    for kind, results in found.items():
        rows.append([kind, str(len(results)), *(f"{share:.1%}" for share in np.mean(results, axis=0))])
    return table(rows, ["photos of", "photos", "general model", "with packs", "reach a pack"])


def main() -> None:
    """Print the tables of docs/explanation/packs.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.species", description=__doc__.partition("\n")[0])
    parser.add_argument("--species", type=Path, required=True, help="folder with truth.csv and photos of species")
    parser.add_argument("--general", type=Path, required=True, help="folder of photos named <output index>_….jpg")
    parser.add_argument("--places", type=Path, help="CSV file with a place for each species")
    options = parser.parse_args()
    models = build_models()
    columns = ["photos", "number", "first", "among five", "ECE", "named", "named and right", "reach a pack"]
    cells = read_places(options.places) if options.places else {}
    for title, where in (("without a place", {}), *((("with a place", cells),) if cells else ())):
        results = list(score_species(models, options.species, where, features_of(where.values()) if where else {}))
        groups = {f"all {pack}s": [each for each in results if each.pack == pack] for pack in _CLASSES}
        groups |= {each.source: [] for each in results}
        for each in results:
            groups[each.source].append(each)
        rows = [[name, *of_results(group)] for name, group in groups.items() if group]
        print(f"{title}\n\n{table(rows, columns)}\n", flush=True)
    unknown = list(as_unknown(models, build_naming(models), options.species))
    rows = []
    for pack in _CLASSES:
        found = [each for each in unknown if each.pack == pack]
        shares = np.mean([(each.species, each.group) for each in found], axis=0)
        rows.append([f"{pack}s", str(len(found)), *(f"{share:.1%}" for share in shares)])
    heads = ["photos of", "number", "wrong species", "right genus, family or order"]
    print(f"the species taken out of its pack\n\n{table(rows, heads)}\n")
    print(of_general(models, options.general))


def _rows(models: Models, folder: Path) -> Iterator[tuple[dict[str, str], Animal, Pack]]:
    """Yield the rows of truth.csv, with the animal and the pack of each."""
    packs = {_CLASSES[name]: pack for name in _CLASSES for pack in models.packs if _CLASSES[name] in pack.taxa}
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            pack = packs[_CLASSES[row["pack"]]]
            yield row, pack.animals[pack.labels.animal_of[int(row["index"])]], pack


def _rank(scores: FusedScores, animal: Animal) -> int:
    """Return the position of an animal among the candidates; behind all of them if no model that looked knows it."""
    output = scores.taxonomy.index_of.get(animal.id)
    if output is None:
        return len(scores.taxonomy.animals)
    return int((scores.probabilities > scores.probabilities[output]).sum())


def _first(scores: FusedScores) -> tuple[float, bool]:
    return float(scores.probabilities.max()), bool(scores.packs)


if __name__ == "__main__":
    main()

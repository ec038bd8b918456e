"""How well the models name birds and insects together: accuracy, calibration, and which photos reach a pack.

    python -m benchmarks.species --species DIR --general DIR

`--species`: a folder with photos and truth.csv (columns file, pack, index, scientific_name). `--general`: a folder of
photos named <output index>_…, of any animals. Photos are scored by the code that answers requests, without a place.
docs/explanation/packs.md explains the tables.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.field.answers import local_services
from benchmarks.measure import options, table
from chalicelib.config.settings import PhotoLimits, Settings
from chalicelib.features.features import NO_LOCATION
from chalicelib.model.fusion import members_of, read_members
from chalicelib.model.models import Models
from chalicelib.model.packs import Pack
from chalicelib.model.recogniser import Recogniser
from chalicelib.model.taxonomy import Animal
from chalicelib.photo.photos import open_photo
from chalicelib.services import Services
from faunalens.data.dataset_files import read_rows
from model.evaluate import read_photos

NAMED = 0.7
"""Score from which a species counts as named."""
_BINS = 10
_GROUPS = ("order", "family", "genus")
_CLASSES = {"bird": "Aves", "insect": "Insecta"}
"""Values of column `pack` in truth.csv, and the class of each."""


class Result(NamedTuple):
    """One photo's scores. `rank`: position of the right animal among the candidates, from 0. `score`: the first's."""

    source: str
    pack: str
    rank: int
    score: float
    opened: bool


def read_species(models: Models, folder: Path) -> Iterator[tuple[dict[str, str], Animal, Pack]]:
    """Yield the rows of a folder's truth.csv, with the animal and the pack of each."""
    packs = {name: pack for name, class_ in _CLASSES.items() for pack in models.packs if class_ in pack.taxa}
    for row in read_rows(folder / "truth.csv"):
        pack = packs[row["pack"]]
        yield row, pack.animals[pack.labels.animal_of[int(row["index"])]], pack


def score_species(services: Services, folder: Path) -> Iterator[Result]:
    """Score the photos in truth.csv."""
    models, naming = services.recogniser.models, services.recogniser.naming
    prior = models.prior_at(NO_LOCATION)
    for row, animal, _ in read_species(models, folder):
        square = open_photo((folder / row["file"]).read_bytes(), PhotoLimits()).pixels(models.general.input_size)
        scores, _ = naming.name(models.fuse([models.score(square)]), prior)
        output = scores.taxonomy.index_of.get(animal.id)  # None if no model that looked knows the animal
        best = scores.probabilities
        rank = len(scores.taxonomy.animals) if output is None else int((best > best[output]).sum())
        yield Result(row["file"].partition("_")[0], row["pack"], rank, float(best.max()), bool(scores.packs))


def as_unknown(services: Services, folder: Path) -> dict[str, list[tuple[bool, bool]]]:
    """Identify each photo as if its pack did not know the photo's species. Return two facts of each answer, by pack.

    The facts: whether it names a species, which is wrong, and whether it names the photo's genus, family or order.
    """
    found: dict[str, list[tuple[bool, bool]]] = {}
    models = services.recogniser.models
    prior = models.prior_at(NO_LOCATION)
    for row, animal, pack in read_species(models, folder):
        square = open_photo((folder / row["file"]).read_bytes(), PhotoLimits()).pixels(models.general.input_size)
        scored = models.score(square)
        others = pack.score(square)
        others[animal.output_index] = 0
        scored.of_packs[pack.name] = others / others.sum()
        _, (named, *_) = services.recogniser.naming.name(models.fuse([scored]), prior)
        taxa = {(each.scientific_name, each.rank) for each in animal.lineage if each.rank in _GROUPS}
        own = (named.taxon.scientific_name, named.taxon.rank) if named else ("", "")
        found.setdefault(f"{row['pack']}s", []).append((own[1] == "species", own in taxa))
    return found


def of_results(results: list[Result]) -> list[str]:
    """Return a table row: the number of photos, and six figures in %.

    They are: the share of right first candidates, the share with the right animal among five, the calibration error,
    the share of photos that get a name, the share of right names, and the share that a pack has scored.
    """
    ranks, scores = np.array([each.rank for each in results]), np.array([each.score for each in results])
    right = ranks == 0
    bins = np.minimum((scores * _BINS).astype(int), _BINS - 1)
    error = sum(abs(scores[bins == each].sum() - right[bins == each].sum()) for each in range(_BINS)) / len(results)
    named = scores >= NAMED
    opened = np.mean([each.opened for each in results])
    shares = (right.mean(), (ranks < 5).mean(), error, named.mean(), right[named].mean(), opened)
    return [str(len(results)), *(f"{share:.1%}" for share in shares)]


def of_general(recogniser: Recogniser, folder: Path) -> str:
    """Return a table of the general photos: accuracy before and after the packs, and how many photos reach a pack."""
    classes = read_members(Settings().model.path.with_name("members.csv"))
    models, naming = recogniser.models, recogniser.naming
    taxonomy, prior = models.taxonomy, models.prior_at(NO_LOCATION)
    in_class = {name: members_of(taxonomy, {taxon}) for name, taxon in _CLASSES.items()}
    found: dict[str, list[tuple[bool, ...]]] = {}
    for photo in read_photos(folder, models.general.input_size):
        if photo.label >= len(taxonomy.animals):
            continue
        animal = taxonomy.animals[photo.label]
        scored = models.score(photo.pixels)
        scores, _ = naming.name(models.fuse([scored]), prior)
        before = scored.general.vision.argmax()
        own = classes.get(animal.taxon_id, set()) | {(animal.taxon.scientific_name, animal.taxon.rank)}
        right = [
            not own.isdisjoint((each.scientific_name, each.rank) for each in best.lineage)
            for best in (taxonomy.animals[int(before)], scores.taxonomy.animals[int(scores.probabilities.argmax())])
        ]
        kind = next((name for name, members in in_class.items() if members[photo.label]), "other animal")
        found.setdefault(kind, []).append((*right, bool(scores.packs)))
    return shares(found, ["general model", "with packs", "reach a pack"])


def shares(found: Mapping[str, Sequence[Sequence[bool]]], heads: Sequence[str]) -> str:
    """Return a table with the share of true values in each column, by kind of photo. `heads`: names of the columns."""
    rows = [[kind, str(len(those)), *map("{:.1%}".format, np.mean(those, axis=0))] for kind, those in found.items()]
    return table(rows, ["photos of", "photos", *heads])


def main() -> None:
    """Print the tables of docs/explanation/packs.md."""
    chosen = options(
        __doc__,
        species=(Path, "folder with truth.csv and photos of species"),
        general=(Path, "folder of photos named <output index>_….jpg"),
    )
    if None in (chosen.species, chosen.general):
        sys.exit("error: name the folders of photos with --species and --general")
    services = local_services()
    columns = ["photos", "number", "first", "among five", "ECE", "named", "named and right", "reach a pack"]
    results = list(score_species(services, chosen.species))
    groups = {f"all {pack}s": [each for each in results if each.pack == pack] for pack in _CLASSES}
    for each in results:
        groups.setdefault(each.source, []).append(each)
    rows = [[name, *of_results(group)] for name, group in groups.items() if group]
    print(f"without a place\n\n{table(rows, columns)}\n", flush=True)
    heads = ["wrong species", "right genus, family or order"]
    print(f"the species taken out of its pack\n\n{shares(as_unknown(services, chosen.species), heads)}\n")
    print(of_general(services.recogniser, chosen.general))


if __name__ == "__main__":
    main()

"""The accuracy of answers for several values of `PRIOR_FLOOR`, the weight of an animal that does not live in the cell.

    python -m benchmarks.narrowing --photos DIR       DIR: photos named <output index>_….jpg, not used in training

The photos have no location, so each photo gets places of two kinds. At places of the first kind its animal lives, at
those of the second it does not: it is in a zoo, has escaped, or its range has a gap. The places come from
database/facts.csv, not from the ranges: places drawn from the ranges would only show that they agree with themselves.
docs/explanation/narrowing.md explains the tables.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import table
from chalicelib.config.settings import Settings
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Taxonomy
from database.dataset import read_dataset
from database.facts import Fact, read_facts
from model.classifier_metrics import accuracy, negative_log_likelihood
from model.photos import score_animals

FLOORS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SHARES = (0.01, 0.03, 0.1)
"""Shares of photos from places where their animal does not live."""


class LocatedPhotos(NamedTuple):
    """Photos with a location.

    `vision`: the model's probabilities without a location. `weights`: the weight of each animal in the photo's cell, 0
    if the animal does not live there. The shape of both is (n, animals). `labels`: index of each
    photo's animal.
    """

    vision: NDArray[np.float32]
    weights: NDArray[np.float32]
    labels: NDArray[np.intp]

    def narrowed(self, floor: float) -> NDArray[np.float64]:
        """Return the probabilities that the model's graph gives for a prior with this floor."""
        weighted = self.vision.astype(np.float64) * np.maximum(self.weights, max(floor, 1e-30))
        return np.asarray(weighted / weighted.sum(axis=1, keepdims=True))


def weights_at(cells: Sequence[int], taxonomy: Taxonomy) -> NDArray[np.float32]:
    """Return the weights of all animals in each cell, shape (cells, animals); 0 if absent."""
    row_of = {cell: row for row, cell in enumerate(cells)}
    weights = np.zeros((len(cells), len(taxonomy.animals)), np.float32)
    for rows in read_dataset().cell_animals:
        for cell, animal, weight, _ in rows[np.isin(rows["cell"], cells)].tolist():
            if animal in taxonomy.index_of:  # the dataset has the animals of the packs too
                weights[row_of[cell], taxonomy.index_of[animal]] = weight
    weights[:, taxonomy.everywhere] = 1
    return weights


def locate(
    vision: NDArray[np.float32], labels: NDArray[np.intp], weights: NDArray[np.float32], rows: Mapping[int, list[int]]
) -> LocatedPhotos:
    """Put each photo in every place of its animal. `rows`: rows of `weights`, by output index of the animal.

    A photo of an animal without places is left out.
    """
    pairs = [(photo, row) for photo, label in enumerate(labels.tolist()) for row in rows.get(label, ())]
    photo_of, cell_of = np.array(pairs, np.intp).reshape(-1, 2).T
    return LocatedPhotos(vision[photo_of], weights[cell_of], labels[photo_of])


def places(
    facts: Iterable[Fact], taxonomy: Taxonomy, row_of: Mapping[int, int], *, inside: bool
) -> dict[int, list[int]]:
    """Return the rows of the places where each animal lives, or does not live, by output index."""
    output_of = {animal.taxon_id: animal.output_index for animal in taxonomy.animals}
    found: dict[int, list[int]] = {}
    for fact in facts:
        if fact.taxon in output_of and fact.is_sure and (fact.truth != "absent") == inside:
            found.setdefault(output_of[fact.taxon], []).append(row_of[fact.cell])
    return found


def sweep(inside: LocatedPhotos, outside: LocatedPhotos) -> tuple[str, str]:
    """Return two tables: accuracy by floor, and negative log-likelihood by floor and by share of `outside` photos."""
    accuracies, likelihoods = [], []
    for floor in FLOORS:
        both = [(photos.narrowed(floor), photos.labels) for photos in (inside, outside)]
        accuracies.append([f"{floor:g}", *(f"{accuracy(*each, first):.1%}" for each in both for first in (1, 5))])
        here, elsewhere = (negative_log_likelihood(*each) for each in both)
        mixed = [(1 - share) * here + share * elsewhere for share in SHARES]
        likelihoods.append([f"{floor:g}", *(f"{cost:.3f}" for cost in (here, elsewhere, *mixed))])
    shares = [f"{share:.0%} do not" for share in SHARES]
    return (
        table(accuracies, ["floor", "lives here: first", "among five", "does not: first", "among five"]),
        table(likelihoods, ["floor", "NLL lives here", "NLL does not", *shares]),
    )


def main() -> None:
    """Print the tables of docs/explanation/narrowing.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.narrowing", description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos named <output index>_….jpg")
    options = parser.parse_args()
    path = Settings().model_path
    taxonomy = Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
    vision, labels = score_animals(options.photos, Model(path))
    wild = np.array([animal.kind in ("wild", "marine") for animal in taxonomy.animals])[labels]
    facts = read_facts()
    cells = sorted({fact.cell for fact in facts})
    weights, row_of = weights_at(cells, taxonomy), {cell: row for row, cell in enumerate(cells)}
    inside, outside = (
        locate(vision[wild], labels[wild], weights, places(facts, taxonomy, row_of, inside=lives))
        for lives in (True, False)
    )
    shown = f"{wild.sum()} photos of wild animals; {len(inside.labels)} pairs of photo and place where it lives"
    print(f"{shown}, {len(outside.labels)} where it does not", *sweep(inside, outside), sep="\n\n")


if __name__ == "__main__":
    main()

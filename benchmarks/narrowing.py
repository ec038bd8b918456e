"""The accuracy of answers for several values of `PRIOR_FLOOR`, the weight of an animal that does not live in the cell.

    python -m benchmarks.narrowing --photos DIR       DIR: photos named <output index>_….jpg, not used in training

The photos have no location, so each photo gets random cells of two kinds. In cells of the first kind its animal lives,
according to the dataset. In cells of the second kind it does not: the animal is in a zoo, escaped, or missing from the
data.
docs/explanation/narrowing.md explains the tables.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import table
from chalicelib.config.settings import Settings
from chalicelib.model.session import Model
from chalicelib.model.taxonomy import Taxonomy
from database.dataset import read_dataset
from model.classifier_metrics import accuracy, negative_log_likelihood
from model.photos import score_animals

FLOORS = (0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
SHARES = (0.01, 0.03, 0.1)
"""Shares of photos from places where their animal does not live."""
SEED = 398


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


def cell_weights(taxonomy: Taxonomy) -> NDArray[np.float32]:
    """Return the weights of all animals in each cell that belongs to a country, shape (cells, animals); 0 if absent."""
    dataset = read_dataset()
    row_of = {cell.cell: row for row, cell in enumerate(cell for cell in dataset.cells if cell.areas)}
    weights = np.zeros((len(row_of), len(taxonomy.animals)), np.float32)
    for rows in dataset.cell_animals:
        for cell, animal, weight, _ in rows.tolist():
            if cell in row_of:
                weights[row_of[cell], taxonomy.index_of[animal]] = weight
    weights[:, taxonomy.everywhere] = 1
    return weights


def locate(
    vision: NDArray[np.float32], labels: NDArray[np.intp], weights: NDArray[np.float32], places: int, *, inside: bool
) -> LocatedPhotos:
    """Give each photo `places` random cells: where its animal lives if `inside` is true, else where it does not live.

    A photo without any such cell is left out.
    """
    random = np.random.default_rng(SEED)
    photo_of, cell_of = [], []
    for photo, label in enumerate(labels):
        cells = np.flatnonzero((weights[:, label] > 0) == inside)
        if len(cells):
            photo_of += [photo] * places
            cell_of += random.choice(cells, places).tolist()
    return LocatedPhotos(vision[photo_of], weights[cell_of], labels[photo_of])


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
    parser.add_argument(
        "--places", type=int, default=50, help="number of random cells for each photo (default: %(default)s)"
    )
    options = parser.parse_args()
    path = Settings().model_path
    taxonomy = Taxonomy.read(path.with_name("labels.csv"), path.with_name("taxa.csv"))
    vision, labels = score_animals(options.photos, Model(path))
    wild = np.array([animal.kind == "wild" for animal in taxonomy.animals])[labels]
    weights = cell_weights(taxonomy)
    inside, outside = (
        locate(vision[wild], labels[wild], weights, options.places, inside=lives_here) for lives_here in (True, False)
    )
    print(f"{wild.sum()} photos of wild animals, {options.places} places each", *sweep(inside, outside), sep="\n\n")


if __name__ == "__main__":
    main()

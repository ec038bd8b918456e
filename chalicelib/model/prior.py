"""What a place says of the animals: their weights, and whether one lives there."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.taxonomy import EVERYWHERE, Animal, Taxonomy

Here = Literal["native", "introduced", "everywhere", "unexpected", "unknown"]
HERE_OF_STATUS: Mapping[int, Here] = {1: "native", 2: "introduced"}
"""By the number in `CellAnimals.status`."""


class Prior:
    """The weights of all animals at one place, for one request.

    They are computed once for each list of animals: that of the general model, and those that packs add to.
    `features`: the animals of the cell. `floor`: weight of an animal that does not live there.
    """

    def __init__(self, features: Features, floor: float) -> None:
        self.features, self.floor = features, floor
        self._weights: dict[int, NDArray[np.float32]] = {}

    def over(self, taxonomy: Taxonomy) -> NDArray[np.float32]:
        """Return `features_to_prior` for the animals of a taxonomy, which must outlive this object."""
        weights = self._weights.get(id(taxonomy))
        if weights is None:
            weights = self._weights[id(taxonomy)] = features_to_prior(self.features, taxonomy, self.floor)
        return weights

    def here(self, animal: Animal) -> Here | None:
        """Return whether an animal lives at the place; None if there are no features to say so."""
        mode = self.features.mode
        if mode == "narrowed" and animal.id in self._status:
            return HERE_OF_STATUS[self._status[animal.id]]
        if animal.kind in EVERYWHERE:
            return "everywhere"
        if mode == "unknown_area" or (mode == "narrowed" and animal.id in self._unknown):
            return "unknown"
        return "unexpected" if mode == "narrowed" else None

    @cached_property
    def _status(self) -> dict[int, int]:
        found = self.features.found
        return dict(zip(found.animals.tolist(), found.status.tolist(), strict=True))

    @cached_property
    def _unknown(self) -> frozenset[int]:
        return frozenset(self.features.found.unknown.tolist())


def features_to_prior(features: Features, taxonomy: Taxonomy, floor: float) -> NDArray[np.float32]:
    """Return the weights of all animals for one cell.

    `features`: the animals of the cell, with weights in (0, 1]. `taxonomy`: the model's animals. `floor`: weight of a
    wild animal that does not live in the cell (docs/explanation/narrowing.md explains the value); other kinds have
    theirs (`KINDS`). A wild animal for which the dataset has no range has 1, the weight of an animal that lives there:
    less would weigh it down beside them. The result has shape (animals,) and float32. Without features, all are 1.

    >>> from chalicelib.features.features import NO_LOCATION
    >>> from chalicelib.config.settings import ROOT
    >>> taxonomy = Taxonomy.read(ROOT / "model" / "labels.csv", ROOT / "model" / "taxa.csv")
    >>> features_to_prior(NO_LOCATION, taxonomy, 0.02).min().item()
    1.0
    """
    if features.mode != "narrowed":
        return np.ones(len(taxonomy.animals), np.float32)
    prior = np.where(taxonomy.elsewhere > 0, taxonomy.elsewhere, np.float32(floor))
    for animal, weight in zip(features.found.animals.tolist(), features.found.weights.tolist(), strict=True):
        index = taxonomy.index_of.get(animal)
        if index is not None:  # the dataset may contain animals that the model does not know
            prior[index] = max(prior[index], weight)
    for animal in features.found.unknown.tolist():
        index = taxonomy.index_of.get(animal)
        if index is not None:
            prior[index] = 1
    return prior

"""What a place says about the animals: their weights, and whether an animal lives there."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.taxonomy import EVERYWHERE, Animal, Taxonomy

Here = Literal["native", "introduced", "everywhere", "unexpected", "unknown"]
TAXONOMIES: Final = 64
"""Maximum number of taxonomies whose arrays a process remembers; a model with its packs and heads has a few."""
HERE_OF_STATUS: Mapping[int, Here] = {1: "native", 2: "introduced"}
"""How an animal lives in a cell, by its number in `CellAnimals.status`."""


class Prior:
    """The weights of all animals at one place, for one request.

    They are computed once for each taxonomy: the general model's, and the larger ones that packs add animals to.
    `features`: the animals of the cell. `floor`: weight of an animal that does not live there.
    """

    def __init__(self, features: Features, floor: float) -> None:
        self.features, self.floor = features, floor
        self._weights: dict[int, NDArray[np.float32]] = {}

    def over(self, taxonomy: Taxonomy) -> NDArray[np.float32]:
        """Return the weights of a taxonomy's animals (`features_to_prior`). The taxonomy must outlive this object."""
        weights = self._weights.get(id(taxonomy))
        if weights is None:
            weights = self._weights[id(taxonomy)] = features_to_prior(self.features, taxonomy, self.floor)
        return weights

    def here(self, animal: Animal) -> Here | None:
        """Return how an animal lives at the place, such as `native`; None if there are no features that say so."""
        mode, found = self.features.mode, self.features.found
        if mode == "narrowed" and len(status := found.status[found.animals == animal.id]):
            return HERE_OF_STATUS[int(status[0])]
        if animal.kind in EVERYWHERE:
            return "everywhere"
        if mode == "unknown_area" or (mode == "narrowed" and animal.id in found.unknown):
            return "unknown"
        return "unexpected" if mode == "narrowed" else None

    def living(self, taxonomy: Taxonomy) -> NDArray[np.bool_]:
        """Return which animals of a taxonomy live at the place as far as that is known: all but the unexpected."""
        if self.features.mode != "narrowed":
            return np.ones(len(taxonomy.animals), np.bool_)
        living = _arrays(taxonomy).everywhere.copy()
        for ids in (self.features.found.animals, self.features.found.unknown):
            living[_positions(ids, taxonomy)[1]] = True
        return living


def features_to_prior(features: Features, taxonomy: Taxonomy, floor: float) -> NDArray[np.float32]:
    """Return the weights of all animals for one cell.

    `features`: the animals of the cell, with weights in (0, 1]. `taxonomy`: the model's animals. `floor`: weight of a
    wild animal that does not live in the cell (docs/explanation/narrowing.md explains the value); `KINDS` has the
    weights of other kinds. A wild animal for which the dataset has no range gets 1, like an animal that lives there: a
    lower weight would put it at a disadvantage. The result has shape (animals,) and float32. Without features, all
    weights are 1.

    >>> from chalicelib.features.features import NO_LOCATION
    >>> from chalicelib.config.settings import ROOT
    >>> taxonomy = Taxonomy.read(ROOT / "model" / "labels.csv", ROOT / "model" / "taxa.csv")
    >>> features_to_prior(NO_LOCATION, taxonomy, 0.02).min().item()
    1.0
    """
    if features.mode != "narrowed":
        return np.ones(len(taxonomy.animals), np.float32)
    prior = np.where(taxonomy.elsewhere > 0, taxonomy.elsewhere, np.float32(floor))
    is_known, indices = _positions(features.found.animals, taxonomy)
    prior[indices] = np.maximum(prior[indices], features.found.weights[is_known])
    prior[_positions(features.found.unknown, taxonomy)[1]] = 1
    return prior


class _Arrays(NamedTuple):
    """A taxonomy as arrays: ids of the animals, ascending; the output index of each; which outputs live everywhere."""

    ids: NDArray[np.int64]
    indices: NDArray[np.intp]
    everywhere: NDArray[np.bool_]


@lru_cache(TAXONOMIES)
def _arrays(taxonomy: Taxonomy) -> _Arrays:
    ids, indices = np.array(sorted(taxonomy.index_of.items())).reshape(-1, 2).T
    return _Arrays(ids, indices, np.array([animal.kind in EVERYWHERE for animal in taxonomy.animals]))


def _positions(ids: NDArray[np.integer], taxonomy: Taxonomy) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return which ids a taxonomy has, and the output indices of these: the dataset may contain other animals."""
    known = _arrays(taxonomy)
    at = np.minimum(known.ids.searchsorted(ids), len(known.ids) - 1)
    is_known = known.ids[at] == ids
    return is_known, known.indices[at[is_known]]

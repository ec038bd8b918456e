"""SpeciesNet's outputs as animals of a taxonomy, and the animals of a place as SpeciesNet knows them.

With these two, its scores are weighed by the code for our own models: ranges, relatives, families and words. Our range
data know a species as one of our models' animals or as a relative that no model of ours knows; here both are animals.
An output for a genus or a family lives where any of its species does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.relatives import Relative
from chalicelib.model.taxonomy import KINDS, Animal, Taxon, Taxonomy
from cli.importing.speciesnet_taxa import Labelled, taxon_of_label
from cli.study.taxa import ANIMALS, lineage_of

NATIVE = 1
"""Status of a relative at a place: our data has nothing else of it."""
type Positions = NDArray[np.intp]


class NetAnimals:
    """The animals of some labels. `taxonomy`: in the order of their first labels; the ids of animals are positions.

    `animals`: those of our models. `relatives`: by number, those that no model of ours knows.
    """

    def __init__(self, labels: Iterable[str], animals: Iterable[Animal], relatives: Mapping[int, Relative]) -> None:
        animals = list(animals)
        kinds = {each.scientific_name: each.kind for each in reversed(animals)}
        positions: dict[str, int] = {}
        found: list[Animal] = []
        self._position_of: dict[str, int] = {}
        for label in labels:
            meant = taxon_of_label(label)
            latin = meant.scientific_name
            if not latin:
                continue
            if latin not in positions:
                positions[latin] = len(found)
                found.append(_animal(meant, len(found), kinds.get(latin, "wild")))
            self._position_of[label] = positions[latin]
        self.taxonomy = Taxonomy.of(found)
        self._of_animal = {
            each.id: _among(positions, (taxon.scientific_name for taxon in each.lineage)) for each in animals
        }
        self._of_relative = {number: _among(positions, each[1:2] + each[4:]) for number, each in relatives.items()}
        self._is_wild = np.array([KINDS[each.kind] is None for each in found])
        self._without_range = np.ones(len(found), np.bool_)
        for each in (*self._of_animal.values(), *self._of_relative.values()):
            self._without_range[each] = False

    def scores(self, labels: Sequence[str], scores: Sequence[float]) -> tuple[NDArray[np.float32], float]:
        """Return the probability of each animal, if there is one, and that there is one.

        `labels`, `scores`: of one picture; they add up to 1, also with what is no animal.
        """
        pairs = [
            (self._position_of[label], score)
            for label, score in zip(labels, scores, strict=True)
            if label in self._position_of
        ]
        found = np.bincount([each for each, _ in pairs], [score for _, score in pairs], len(self.taxonomy.animals))
        total = float(found.sum())
        return (found / total if total else self.unseen).astype(np.float32), min(total, 1.0)

    @property
    def unseen(self) -> NDArray[np.float32]:
        """Return the probabilities of the animals in a picture of none."""
        count = len(self.taxonomy.animals)
        return np.full(count, 1 / count, np.float32)

    def at(self, features: Features) -> Features:
        """Return the features of a place with these animals in the place of our models'. Takes some milliseconds.

        A species that lives there by our data has its weight, or 1 if it is a relative. One of which our data has no
        range is as one whose range is unknown.
        """
        if features.mode != "narrowed":
            return features
        here, count = features.found, len(self.taxonomy.animals)
        weights, status = np.zeros(count, np.float32), np.zeros(count, np.uint8)
        rows = [
            (self._of_animal.get(each), weight, which)
            for each, weight, which in zip(
                here.animals.tolist(), here.weights.tolist(), here.status.tolist(), strict=True
            )
        ]
        rows += [(self._of_relative.get(each), 1.0, NATIVE) for each in here.relatives.tolist()]
        for positions, weight, which in rows:
            if positions is not None:
                status[positions] = np.where(weight > weights[positions], which, status[positions])
                weights[positions] = np.maximum(weights[positions], weight)
        strange = self._without_range.copy()
        for each in here.unknown.tolist():
            strange[self._of_animal.get(each, [])] = True
        present = np.flatnonzero(weights)
        found = here._replace(
            animals=present.astype(np.int32),
            weights=weights[present],
            status=status[present],
            unknown=np.flatnonzero(strange & self._is_wild & (weights == 0)).astype(np.int32),
        )
        return replace(features, found=found)


def _animal(meant: Labelled, position: int, kind: str) -> Animal:
    latin = meant.scientific_name
    above = [Taxon(lineage_of(each).name or each, each, rank) for rank, each in meant.ranks.items() if each != latin]
    taxon = "-".join(latin.lower().split())
    lineage = (*above, Taxon(meant.name, latin, meant.rank))
    return Animal(position, taxon, position, "", meant.name, latin, meant.rank, kind, lineage)


def _among(positions: Mapping[str, int], names: Iterable[str]) -> Positions:
    """Return the positions of a taxon and of those that include it, as far as there are outputs for them."""
    return np.array(sorted({positions[name] for name in (*names, ANIMALS) if name in positions}), np.intp)

"""Rivals: the animals of a place that no model knows, as shares of the probability. What a photo may be called.

The model divides all probability among the animals that it knows. A photo of one that it does not know goes to the most
similar, and the answer is sure and wrong. The dataset says how many unknown relatives live in the cell. They take part
in the roll-up: an unknown relative looks like several members of its group. The group, which is right, keeps the
probability, and its members lose some.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Rival, TaxonKey, Taxonomy

WEIGHT: Final = 0.3
"""How likely an unknown relative is, compared with the animals that the model knows.

`python -m benchmarks.field --fit` compares values."""


def rivals_of(
    taxonomy: Taxonomy,
    vision: NDArray[np.floating],
    prior: NDArray[np.floating],
    unknown: Mapping[TaxonKey, int],
    weight: float = WEIGHT,
) -> list[Rival]:
    """Return the rivals in a cell, with shares on the scale of the probabilities that the prior gives.

    `vision`: shape (animals,), the probabilities without the prior. `prior`: of the same shape. `unknown`: number of
    children of each taxon in the tree that live in the cell and that no model knows (`Relatives.counts_of`).

    A group of n known animals has the probability m, and its likeliest animal has b of it. If k of its children are
    unknown, its rival has weight · √(m · (m − b) · k / n): a photo that looks like one animal of the group alone is
    hardly one of an unknown relative, and a photo that looks like several may be. Takes about 0.2 ms.
    """
    ordered = vision[taxonomy.order].astype(np.float64)
    mass = np.concatenate([[0.0], np.cumsum(ordered)])
    total = float(vision @ prior)
    scale = weight / total if total > 0.0 else 0.0
    rivals = []
    for taxon, count in unknown.items():
        node = taxonomy.groups[taxon]
        share = float(mass[node.stop] - mass[node.start])
        others = max(share - float(ordered[node.start : node.stop].max()), 0.0)
        rivals.append(Rival(node, scale * sqrt(share * others * count / (node.stop - node.start))))
    return rivals


def predict(
    taxonomy: Taxonomy,
    scores: Scores,
    threshold: float,
    rivals: Sequence[Rival] = (),
    group_threshold: float | None = None,
) -> Prediction | None:
    """Return the most specific taxon that the photo shows with a probability of at least `threshold`, or None.

    "No animal" is a rival of every animal: the score of a prediction is the probability that there is an animal, times
    the taxon's share of it. `threshold`: above 0, at most 1. `group_threshold`: the same for a genus and wider taxa.
    """
    animal, group = scores.animal_probability, threshold if group_threshold is None else group_threshold
    if animal < group:
        return None
    found = taxonomy.roll_up(scores.probabilities, threshold / animal, rivals, group / animal)
    return None if found is None else replace(found, score=found.score * animal)

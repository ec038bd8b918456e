"""What a photo may be called: whether it shows an animal, and the most specific taxon that is certain enough.

The models divide all probability among the animals that they know. A photo of one that they do not know goes to the
most similar, and the answer is sure and wrong. The dataset says how many unknown relatives live in the cell. They take
part in the roll-up as rivals: an unknown relative looks like several members of its group. The group, which is right,
keeps the probability, and its members lose some.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.relatives import Relatives
from chalicelib.model.taxonomy import Prediction, Rival, TaxonKey, Taxonomy

if TYPE_CHECKING:
    from chalicelib.model.models import FusedScores
    from chalicelib.model.prior import Prior
    from chalicelib.model.session import Scores

Subject = Literal["animal", "person", "vehicle", "none", "unclear"]

MOST_EMPTY: Final = 0.25
"""Probability of an animal below which a photo is said to show none. Between the two, the photo is unclear."""
LEAST_BOX: Final = 0.5
"""Score of a box from which the detector is believed. Model and detector rarely err in the same photo.

docs/explanation/field.md has the measurements."""
RIVAL_WEIGHT: Final = 0.3
"""How likely an unknown relative is, compared with the animals that the model knows.

`python -m benchmarks.field --fit` compares values."""
SPECIES_OF_PACK: Final = 0.7
"""Least probability of a named species if a pack has scored the photo."""
GROUP_OF_PACK: Final = 0.6
"""The same for a genus and wider taxa. A pack knows so many species that its sums over a genus,
family or order are more certain than they say: `python -m benchmarks.species` compares thresholds."""


class Decision(NamedTuple):
    """The taxon that a photo shows, or None. `is_widened`: whether unknown relatives made it wider or took it away."""

    prediction: Prediction | None
    is_widened: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """Names the most specific taxon that is certain enough. Thread-safe.

    `threshold`: least probability of a named taxon, if no pack has scored the photo. `degraded`: the same without the
    features of the place, which alone know the unknown relatives; higher. `weight`: that of rivals.
    """

    relatives: Relatives
    threshold: float
    degraded: float
    weight: float = RIVAL_WEIGHT

    def name(self, scores: "FusedScores", prior: "Prior") -> Decision:
        """Return what a photo shows at a place. Takes about 0.3 ms. Raises `ModelError`."""
        taxonomy, features = scores.taxonomy, prior.features
        if features.mode == "degraded":
            return Decision(predict(taxonomy, scores, self.degraded))
        least, group = (SPECIES_OF_PACK, GROUP_OF_PACK) if scores.packs else (self.threshold, self.threshold)
        found = predict(taxonomy, scores, least, group_threshold=group)
        if features.mode != "narrowed" or found is None:
            return Decision(found)
        unknown = self.relatives.counts_of(features.found.relatives, taxonomy.taxa, taxonomy.taxon_ids)
        rivals = rivals_of(taxonomy, scores.vision, prior.over(taxonomy), unknown, self.weight)
        sure = predict(taxonomy, scores, least, rivals, group)
        return Decision(sure, sure is None or sure.taxon != found.taxon)


def rivals_of(
    taxonomy: Taxonomy,
    vision: NDArray[np.floating],
    prior: NDArray[np.floating],
    unknown: Mapping[TaxonKey, int],
    weight: float = RIVAL_WEIGHT,
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
    scores: "Scores",
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


def subject_of(
    animal_probability: float, threshold: float, animal: float = 0.0, person: float = 0.0, vehicle: float = 0.0
) -> Subject:
    """Return what a photo shows.

    `animal_probability`: of the general model. `threshold`: its least value for an animal. `animal`, `person`,
    `vehicle`: score of the detector's best box of each kind; 0 without a box, or without a detector. A photo with an
    animal and a person is one of an animal.
    """
    if animal_probability >= threshold or animal >= LEAST_BOX:
        return "animal"
    if person >= LEAST_BOX:
        return "person"
    if vehicle >= LEAST_BOX:
        return "vehicle"
    return "none" if animal_probability < MOST_EMPTY else "unclear"

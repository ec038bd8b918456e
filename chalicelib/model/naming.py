"""What a photo may be called: the scores, the unknown relatives of the place, and the threshold together."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from chalicelib.features.features import Features
from chalicelib.model.models import FusedScores
from chalicelib.model.prior import features_to_prior
from chalicelib.model.relatives import Relatives
from chalicelib.model.rivals import WEIGHT, predict, rivals_of
from chalicelib.model.taxonomy import Prediction

SPECIES_OF_PACK: Final = 0.7
"""Least probability of a named species if a pack has looked."""
GROUP_OF_PACK: Final = 0.6
"""The same for a genus and wider taxa. A pack knows so many species that its sums over a genus,
family or order are more certain than they say: `python -m benchmarks.species` compares thresholds."""


class Named(NamedTuple):
    """The prediction for a photo, or None. `is_widened`: whether unknown relatives made it wider or took it away."""

    prediction: Prediction | None
    is_widened: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """Names the most specific taxon that is certain enough. Thread-safe.

    `threshold`: least probability of a named taxon, if no pack has looked. `degraded`: the same without the features of
    the place, which are the only ones to know an unknown relative; higher. `floor`: weight of an animal that does not
    live in the cell. `weight`: that of rivals.
    """

    relatives: Relatives
    threshold: float
    degraded: float
    floor: float
    weight: float = WEIGHT

    def name(self, scores: FusedScores, features: Features) -> Named:
        """Return what a photo shows. Takes about 0.3 ms. Raises `ModelError`.

        `features`: those of the place.
        """
        taxonomy = scores.taxonomy
        if features.mode == "degraded":
            return Named(predict(taxonomy, scores, self.degraded))
        least, group = (SPECIES_OF_PACK, GROUP_OF_PACK) if scores.packs else (self.threshold, self.threshold)
        found = predict(taxonomy, scores, least, group_threshold=group)
        if features.mode != "narrowed" or found is None:
            return Named(found)
        unknown = self.relatives.counts_of(features.relatives, taxonomy.taxa, taxonomy.taxon_ids)
        prior = features_to_prior(features, taxonomy, self.floor)
        rivals = rivals_of(taxonomy, scores.vision, prior, unknown, self.weight)
        sure = predict(taxonomy, scores, least, rivals, group)
        return Named(sure, sure is None or sure.taxon != found.taxon)

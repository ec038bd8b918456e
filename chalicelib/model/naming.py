"""What a photo may be called: the scores, the unknown relatives of the place, and the threshold together."""

from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.features.features import Features
from chalicelib.model.prior import features_to_prior
from chalicelib.model.relatives import Relatives
from chalicelib.model.rivals import WEIGHT, predict, rivals_of
from chalicelib.model.session import Scores
from chalicelib.model.taxonomy import Prediction, Taxonomy


class Named(NamedTuple):
    """The prediction for a photo, or None. `is_widened`: whether unknown relatives made it wider or took it away."""

    prediction: Prediction | None
    is_widened: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """Names the most specific taxon that is certain enough. Thread-safe.

    `threshold`: least probability of a named taxon. `degraded`: the same without the features of the place, which are
    the only ones to know an unknown relative; higher. `floor`: weight of an animal that does not live in the cell.
    `weight`: that of rivals.
    """

    relatives: Relatives
    threshold: float
    degraded: float
    floor: float
    weight: float = WEIGHT

    def name(self, scores: Scores, taxonomy: Taxonomy, features: Features) -> Named:
        """Return what a photo shows. Takes about 0.3 ms. Raises `ModelError`.

        `scores`: of the animals of `taxonomy`. `features`: those of the place.
        """
        if features.mode == "degraded":
            return Named(predict(taxonomy, scores, self.degraded))
        found = predict(taxonomy, scores, self.threshold)
        if features.mode != "narrowed" or found is None:
            return Named(found)
        unknown = self.relatives.counts_of(features.relatives, taxonomy.taxa, taxonomy.taxon_ids)
        prior = features_to_prior(features, taxonomy, self.floor)
        sure = predict(
            taxonomy, scores, self.threshold, rivals_of(taxonomy, scores.vision, prior, unknown, self.weight)
        )
        return Named(sure, sure is None or sure.taxon != found.taxon)

"""A second look: the detector's largest animal, cut out, if the whole photo leaves a doubt.

The general model and the packs then score the cut-out like a second photo of the same animal. It finds more, and it
calms what the first look was too sure of. A clear photo needs none, and costs no more than without a detector.
"""

from typing import Final

from chalicelib.model.taxonomy import Prediction

SURE: Final = 0.9
"""Score from which a family, or a taxon below it, needs no second look: such answers do not become better."""


def needs_second_look(prediction: Prediction | None) -> bool:
    """Return whether the first look leaves a doubt: nothing recognised, wider than a family, or not sure."""
    return prediction is None or prediction.score < SURE or prediction.is_wide

"""From the animals of a cell to the model's `prior`: what lives there, lives everywhere, or would be a surprise."""

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.features import Features
from chalicelib.model.taxonomy import Taxonomy


def prior_of(features: Features, taxonomy: Taxonomy, floor: float) -> NDArray[np.float32]:
    """Weights of all animals for one cell, as the model's `prior` input.

    Parameters: features, the animals of the cell with weights in (0, 1]; taxonomy, the model's animals; floor, weight
    of an animal that does not live there (docs/explanation/narrowing.md says how it was chosen).
    Returns: shape (animals,), float32, every value in [floor, 1]. All ones if nothing is known about the place: then
    no animal is weighed against another.

    >>> from chalicelib.features.lookup import NO_LOCATION
    >>> from chalicelib.config.settings import ROOT
    >>> taxonomy = Taxonomy.read(ROOT / "model" / "labels.csv", ROOT / "model" / "taxa.csv")
    >>> prior_of(NO_LOCATION, taxonomy, 0.02).min().item()
    1.0
    """
    if features.mode != "narrowed":
        return np.ones(len(taxonomy.animals), np.float32)
    prior = np.where(taxonomy.everywhere, np.float32(1), np.float32(floor))
    for animal, weight in zip(features.animals.tolist(), features.weights.tolist(), strict=True):
        index = taxonomy.index_of.get(animal)
        if index is not None:  # the dataset may know animals that the model does not
            prior[index] = max(prior[index], weight)
    return prior

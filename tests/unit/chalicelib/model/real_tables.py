"""The tables in model/, and photos and places made up of their animals, for tests of what answers name."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import ROOT
from chalicelib.features.codec import NO_ANIMALS
from chalicelib.features.features import NO_LOCATION, Features, Mode
from chalicelib.model.families import Families, Layout
from chalicelib.model.models import FusedScores
from chalicelib.model.naming import Decision, Naming
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import Relatives, Taxonomy, read_relatives

MODEL = ROOT / "model"
TAXONOMY = Taxonomy.read(MODEL / "labels.csv", MODEL / "taxa.csv")
BY_NAME = {animal.name: animal for animal in TAXONOMY.animals}
FAMILIES = Families(MODEL, Relatives(MODEL / "relatives.csv"))
NAMING = Naming(FAMILIES, MODEL / "certainty.json", animal=0.6)
FLOOR = 0.02
ELEPHANT = {"African elephant": 0.646, "tusker elephant": 0.347, "Asian elephant": 0.004}
"""What the model says of a clear photo of an African elephant."""
_NUMBERS = {each.name: number for number, each in read_relatives(MODEL / "relatives.csv").items()}


def vision(shares: dict[str, float], rest: float = 0.003) -> NDArray[np.float32]:
    """Return the model's probabilities of a photo: those of some animals by name, and a rest for all together."""
    found = np.full(len(TAXONOMY.animals), rest / len(TAXONOMY.animals))
    for name, share in shares.items():
        found[BY_NAME[name].output_index] += share
    shown: NDArray[np.float32] = (found / found.sum()).astype(np.float32)
    return shown


def place(*animals: str, relatives: Iterable[str] = (), mode: Mode = "narrowed") -> Features:
    """Return the features of a place where these animals live, and these relatives that no model knows, by name."""
    ids = np.array(sorted(BY_NAME[name].id for name in animals), np.int32)
    found = NO_ANIMALS._replace(
        animals=ids,
        weights=np.ones(len(ids), np.float32),
        status=np.ones(len(ids), np.uint8),
        relatives=np.array([_NUMBERS[name] for name in relatives], np.uint16),
    )
    return replace(NO_LOCATION, mode=mode, found=found)


def scores_of(shares: dict[str, float], animal: float = 0.99) -> FusedScores:
    """Return the scores of a photo. `animal`: probability that it shows an animal."""
    found = vision(shares)
    return FusedScores(found, found, animal, TAXONOMY)


def named(shares: dict[str, float], features: Features, animal: float = 0.99) -> Decision:
    """Return what a photo at a place is called."""
    return NAMING.name(scores_of(shares, animal), Prior(features, FLOOR))[1]


def number_of(layout: Layout, taxon: str) -> int:
    """Return the number of the species of an animal, by its taxon id."""
    position = layout.taxonomy.order.tolist().index(layout.output_of[taxon])
    return int(np.searchsorted(layout.animals.starts, position, side="right")) - 1

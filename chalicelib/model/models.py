"""All models: the general one looks at every photo, and packs look again at the photos of their taxa."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.features.features import Features
from chalicelib.model.fusion import Fusion, members_of, read_members
from chalicelib.model.packs import Pack, read_packs
from chalicelib.model.prior import features_to_prior
from chalicelib.model.session import Model, Scores
from chalicelib.model.taxonomy import Animal, Taxonomy

_LEAST = 1e-9
"""Least probability in a geometric mean, so that one photo cannot exclude an animal that the others show."""


class Looked(NamedTuple):
    """A pack that has looked at the photos. `milliseconds`: time that this took."""

    pack: Pack
    milliseconds: float


@dataclass(frozen=True, slots=True, eq=False)
class FusedScores(Scores):
    """The scores of all models that looked at a photo, or at several photos of one animal.

    `taxonomy`: the animals that all of these models know. `packs`: those that looked.
    """

    taxonomy: Taxonomy
    packs: tuple[Looked, ...] = ()


@dataclass(slots=True, eq=False)
class Sight:
    """One photo, and what each model has seen in it. `general`: the general model's scores. `of_packs`: by name."""

    pixels: NDArray[np.uint8]
    general: Scores
    of_packs: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class Models:
    """The general model and its packs. Thread-safe.

    `general`: the model that looks at every photo. `taxonomy`: its animals. `folder`: the folder of its files, whose
    folder `packs` has the packs. `threads`: number of threads per inference, or 0 for one per processor. `floor`:
    weight of an animal that does not live in the cell. Raises `ModelError` if model and taxonomy do not match.
    """

    def __init__(self, general: Model, taxonomy: Taxonomy, folder: Path, floor: float, threads: int = 0) -> None:
        if general.animals != len(taxonomy.animals):
            raise ModelError(
                f"{general.path.name} has {general.animals} animals, labels.csv has {len(taxonomy.animals)} rows; "
                "expected one row for each animal"
            )
        self.general, self.taxonomy, self.floor = general, taxonomy, floor
        self._folder, self._threads = folder, threads
        self._member_masks: dict[str, NDArray[np.bool_]] = {}
        self._fusions: dict[tuple[str, ...], Fusion] = {}
        self._lock = Lock()

    @cached_property
    def packs(self) -> tuple[Pack, ...]:
        """Return the packs. The first use reads their manifests, which takes some milliseconds."""
        return read_packs(self._folder / "packs", self._threads)

    def score(self, squares: Sequence[NDArray[np.uint8]], features: Features) -> tuple[FusedScores, list[FusedScores]]:
        """Return the scores of one animal from all of its photos, and those of each photo alone.

        `squares`: images of shape (S, S, 3), uint8, RGB, with the general model's `input_size` S. `features`: those of
        the place. Scores of several photos are the geometric mean of theirs, and packs look at all of these photos if
        the mean passes their gate. Raises `ModelError`.
        """
        sights = [self.look_at(square, features) for square in squares]
        together = self.fuse(sights, features)
        return together, [together] if len(sights) == 1 else [self.fuse([sight], features) for sight in sights]

    def look_at(self, square: NDArray[np.uint8], features: Features) -> Sight:
        """Return what the general model sees in a photo. Raises `ModelError`."""
        return Sight(square, self.general.score(square, features_to_prior(features, self.taxonomy, self.floor)))

    def everything(self) -> Taxonomy:
        """Return the animals of the general model and of all packs. Reads the labels of the packs."""
        taxonomy, names = self.taxonomy, tuple[str, ...]()
        for pack in self.packs:
            names = (*names, pack.name)
            taxonomy = self._fusion(taxonomy, names, pack).taxonomy
        return taxonomy

    def knowing(self, taxon: str) -> list[Model | Pack]:
        """Return the models that have an output for a taxon, given by its id. Reads the labels of the packs."""
        models: list[tuple[Model | Pack, tuple[Animal, ...]]] = [(self.general, self.taxonomy.animals)]
        models += [(pack, pack.animals) for pack in self.packs]
        return [model for model, animals in models if any(animal.taxon_id == taxon for animal in animals)]

    def fuse(self, sights: Sequence[Sight], features: Features) -> FusedScores:
        """Return the scores of one animal from all of its sights, for which packs may look too. Raises `ModelError`."""
        general = [sight.general for sight in sights]
        vision = _mean([scores.vision for scores in general])
        animal = float(np.mean([scores.animal_probability for scores in general]))
        taxonomy, looked = self.taxonomy, list[Looked]()
        opened = [pack for pack in self.packs if vision[self._members(pack)].sum() >= pack.gate]
        for pack in opened:
            started = perf_counter()
            for sight in sights:
                if pack.name not in sight.of_packs:
                    sight.of_packs[pack.name] = pack.score(sight.pixels)
            fusion = self._fusion(taxonomy, (*(each.pack.name for each in looked), pack.name), pack)
            vision = fusion.join(vision, _mean([sight.of_packs[pack.name] for sight in sights]))
            taxonomy = fusion.taxonomy
            looked.append(Looked(pack, round((perf_counter() - started) * 1e3, 1)))
        if not looked:
            return FusedScores(_mean([each.probabilities for each in general]), vision, animal, taxonomy)
        return FusedScores(self._weigh(vision, features, taxonomy), vision, animal, taxonomy, tuple(looked))

    def weighed(self, scores: FusedScores, features: Features) -> FusedScores:
        """Return scores as they would be with the features of another dataset. No model looks again."""
        return replace(scores, probabilities=self._weigh(scores.vision, features, scores.taxonomy))

    def _weigh(self, vision: NDArray[np.float32], features: Features, taxonomy: Taxonomy) -> NDArray[np.float32]:
        weighed = vision * features_to_prior(features, taxonomy, self.floor)
        probabilities: NDArray[np.float32] = weighed / weighed.sum()
        return probabilities

    def _members(self, pack: Pack) -> NDArray[np.bool_]:
        """Return which of the general model's animals belong to a pack's taxa."""
        if pack.name not in self._member_masks:
            self._member_masks[pack.name] = members_of(self.taxonomy, frozenset(pack.taxa))
        return self._member_masks[pack.name]

    def _fusion(self, taxonomy: Taxonomy, names: tuple[str, ...], pack: Pack) -> Fusion:
        """Return the fusion of a taxonomy and a pack. `names`: of the packs in the result, in order."""
        fusion = self._fusions.get(names)
        if fusion is None:
            with self._lock:
                fusion = self._fusions.get(names)
                if fusion is None:
                    classes = read_members(self._folder / "members.csv")
                    fusion = self._fusions[names] = Fusion.of(taxonomy, frozenset(pack.taxa), pack.animals, classes)
        return fusion


def _mean(probabilities: list[NDArray[np.float32]]) -> NDArray[np.floating]:
    """Return the geometric mean, with a sum of 1; a single array as it is."""
    if len(probabilities) == 1:
        return probabilities[0]
    logarithms = np.mean([np.log(np.maximum(each, _LEAST)) for each in probabilities], axis=0)
    mean: NDArray[np.floating] = np.exp(logarithms)
    return mean / mean.sum()

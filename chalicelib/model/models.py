"""All models: the general model scores every photo, packs the photos of their taxa, and heads the boxes of animals.

A head is a small classifier that is trained on a user's own photos. Its input is what the general model sees in an
animal's box. It knows a few animals, and what is unlike all of them. A head is only for the places of its photos, and
often only for photos by night, of which the general model can say little: there the head decides about its animals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from math import isfinite
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.errors import ModelError
from chalicelib.features.features import Features
from chalicelib.location import around
from chalicelib.model.certainty import MOST_EMPTY
from chalicelib.model.detector import Box
from chalicelib.model.fusion import Fusion, members_of, read_members
from chalicelib.model.manifest import CLASSIFIER, HEAD, Manifest, read_manifests
from chalicelib.model.packs import LabelledModel, Outside, Pack, id_of
from chalicelib.model.session import FEATURES, Model, Scores, Versioned
from chalicelib.model.shares import Prior
from chalicelib.model.taxonomy import Animal, Taxonomy
from chalicelib.photo.pixels import Picture

LEAST = 1e-9
"""Least probability in a geometric mean, so that one photo cannot exclude an animal that the others show."""
LEAST_OTHER: Final = 0.2
"""A head's probability of an animal that it does not know, above which its scores do not count. Of night photos of its
animals from other cameras, that loses one name in a thousand."""

LEAST_NAMED: Final = 0.5
"""Least probability of a name, whatever a head's thresholds are: the name is likelier than all others together."""
CROPS: Final = ((0.1, False, False), (0.1, True, True), (0.0, True, False), (0.0, False, True))
"""What a head sees, as in its training: the share of a box that is added on each side, whether it is mirrored, and has
more contrast. If the second look has seen the first crop, its scores are used again.

On night photos of 86 cameras, these four were as good as twelve with wider ones, and 2 to 3 points better than one."""
NO_DETECTOR: Final = "a head scores boxes, but there is no detector; copy model/packs/detector.* to the model's packs"
DARK, BRIGHT = 2, 98
"""Percentiles of a square's brightness that become black and white: what infrared light shows is often faint."""
_STEP = 4
"""These percentiles are computed from every fourth row and column."""


class Headed(NamedTuple):
    """A head's scores of an animal. `thresholds`: least probability at which a taxon is named, by taxon id.

    `positions`: of the head's animals in the taxonomy. `scores`: their probabilities, and as the last element that of
    any other animal. `is_sure`: whether one of them is certain enough for a name: its box then counts even if the
    detector is unsure of it. Of the weak boxes in 507 halves of night photos, heads were sure of 2% in halves without
    an animal, and of 28% in the others.
    """

    thresholds: Mapping[str, float]
    positions: NDArray[np.intp]
    scores: NDArray[np.float32]
    is_sure: bool


class Head(LabelledModel):
    """A classifier of the general model's features. Thread-safe."""

    @cached_property
    def thresholds(self) -> Mapping[str, float]:
        """Return the least probability at which a taxon is named, by taxon id."""
        leasts = {animal.taxon_id: LEAST_NAMED for animal in self.animals} | {**self.manifest.thresholds}
        return {taxon: max(least, LEAST_NAMED) for taxon, least in leasts.items()}

    def is_for(self, features: Features) -> bool:
        """Return whether the head is for photos of a place: in one of its areas or its cells, or beside such a cell."""
        areas, here = self.manifest.areas, features.found
        if not areas and not self._cells:
            return True
        return bool({*areas} & {*here.areas}) or (here.cell > 0 and not self._cells.isdisjoint(around(here.cell)))

    @cached_property
    def _cells(self) -> frozenset[int]:
        return frozenset(int(each, 16) for each in self.manifest.cells)

    def said(self, scores: NDArray[np.float32], positions: NDArray[np.intp]) -> Headed:
        """Return the head's `scores` with its thresholds. `positions`: of the head's animals in a taxonomy."""
        best = int(scores[:-1].argmax())
        is_sure = bool(scores[best] >= self.thresholds[self.animals[best].taxon_id])
        return Headed(self.thresholds, positions, scores, is_sure)

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probability of each of `animals`, and as the last element that of any other.

        Takes less than 0.1 ms. `features`: of the crops of one animal, shape (crops, features). Raises `ModelError`.
        """
        probabilities = self.run(FEATURES, features, others=1)
        animals = np.bincount(self.labels.animal_of, probabilities[:-1], len(self.animals))
        return np.append(animals, probabilities[-1]).astype(np.float32)


class PackRun(NamedTuple):
    """A pack or head that has scored the photos, or another project's detector. `milliseconds`: time that this took."""

    pack: Versioned
    milliseconds: float


@dataclass(frozen=True, slots=True, eq=False)
class FusedScores(Scores):
    """The scores of a photo, or of several photos of one animal, from all models that scored it.

    `probabilities` are equal to `vision` until `Naming.name` weighs them by the place.

    `taxonomy`: the animals that all of these models know. `packs`: the packs that scored it after the general model.
    `headed`: a head's scores, which are not in `vision`; None without a head.
    """

    taxonomy: Taxonomy
    packs: tuple[PackRun, ...] = ()
    headed: Headed | None = None

    def likeliest(self, count: int) -> list[Animal]:
        """Return the likeliest animals, best first; ties keep the model's order."""
        best = np.argsort(-self.probabilities, kind="stable")[:count]
        return [self.taxonomy.animals[index] for index in best.tolist()]


@dataclass(slots=True, eq=False)
class PhotoScores:
    """One photo and its scores. `general`: by the general model. `of_packs`: by each pack, under its name."""

    pixels: NDArray[np.uint8]
    general: Scores
    of_packs: dict[str, NDArray[np.float32]] = field(default_factory=dict)


class Models:
    """The general model and its packs. Thread-safe.

    `general`: the model that scores every photo. `taxonomy`: its animals. `folder`: where its files are; its packs are
    in the subfolder `packs`. `threads`: number of threads per inference, or 0 for one per processor. `floor`: weight of
    an animal that does not live in the cell. `outside`: packs and heads of another folder. Raises `ModelError` if model
    and taxonomy do not match.
    """

    def __init__(
        self,
        general: Model,
        taxonomy: Taxonomy,
        folder: Path,
        floor: float,
        threads: int = 0,
        outside: Outside | None = None,
    ) -> None:
        if general.animals != len(taxonomy.animals):
            raise ModelError(
                f"{general.path.name} has {general.animals} animals, labels.csv has {len(taxonomy.animals)} rows; "
                "expected one row for each animal"
            )
        self.general, self.taxonomy, self.floor = general, taxonomy, floor
        self._folder, self._threads, self._outside = folder, threads, outside
        self._ones = np.ones(general.animals, np.float32)
        self._members = cache(lambda pack: members_of(taxonomy, frozenset(pack.taxa)))
        self._fusions: dict[tuple[str, ...], Fusion] = {}
        self._lock = Lock()

    @cached_property
    def packs(self) -> tuple[Pack, ...]:
        """Return the packs. The first use reads their manifests, which takes some milliseconds."""
        return self._own + self._others

    @cached_property
    def _manifests(self) -> tuple[Manifest, ...]:
        return tuple(read_manifests(self._folder / "packs"))

    @cached_property
    def _own(self) -> tuple[Pack, ...]:
        return tuple(Pack(each, self._threads) for each in self._manifests if each.kind == CLASSIFIER)

    @cached_property
    def _others(self) -> tuple[Pack, ...]:
        if self._outside is None:
            return ()
        found = [each for each in self._outside.manifests if each.kind == CLASSIFIER]
        others = tuple(Pack(each, self._threads, self._folder, self._id_of) for each in found)
        if twice := {each.name for each in self._own} & {each.name for each in others}:
            raise ModelError(
                f"{self._outside.folder} has a pack named {min(twice)}, as the model has; give its files another name"
            )
        return others

    @property
    def outside_bytes(self) -> int:
        """Return the bytes of memory that the packs of `outside` may take."""
        return 2 * sum(each.bytes for each in self._outside.manifests) if self._outside else 0

    def load_outside(self) -> None:
        """Load the packs of `outside` before a photo needs them, and try each on a black image. Raises `ModelError`."""
        for pack in self._others:
            pack.score(np.zeros((self.general.input_size, self.general.input_size, 3), np.uint8))

    @cached_property
    def heads(self) -> tuple[Head, ...]:
        """Return the heads, those of `outside` first. Raises `ModelError` if one is for another general model."""
        others = self._outside.manifests if self._outside else ()
        found = [each for each in (*others, *self._manifests) if each.kind == HEAD]
        for each in found:
            if each.general != self.general.version:
                raise ModelError(
                    f"{each.file.name} was trained on features of the general model {each.general}, and this one is "
                    f"{self.general.version}; train it again (`faunalens train`)"
                )
        return tuple(Head(each, self._threads, self._folder, self._id_of) for each in found)

    def head_at(self, features: Features, *, by_night: bool) -> Head | None:
        """Return the first head that is for photos of a place by day or night, or None. Raises `ModelError`."""
        seeing = (each for each in self.heads if by_night or not each.manifest.night)
        return next((each for each in seeing if each.is_for(features)), None)

    def _id_of(self, animal: Animal) -> int:
        """Return an animal's id in this release, or else one computed from its taxon id. Reads labels of packs."""
        above = {taxon.scientific_name for taxon in animal.lineage}
        packs = (pack.animals for pack in self._own if above.intersection(pack.taxa))
        known = (each for animals in (self.taxonomy.animals, *packs) for each in animals)
        return next((each.id for each in known if each.taxon_id == animal.taxon_id), id_of(animal.taxon_id))

    def prior_at(self, features: Features) -> Prior:
        """Return the weights of the animals at the place with these features."""
        if self._outside:
            strangers = (*self._others, *(each for each in self.heads if each.is_for(features)))
            features = self._outside.at(features, strangers)
        return Prior(features, self.floor)

    def score(self, square: NDArray[np.uint8]) -> PhotoScores:
        """Return the general model's scores of a photo, without a place. Raises `ModelError`.

        `square`: image of shape (S, S, 3), uint8, RGB, with the general model's `input_size` S.
        """
        return PhotoScores(square, self.general.score(square, self._ones))

    def everything(self) -> Taxonomy:
        """Return a taxonomy of the animals of the general model, all packs and all heads. Reads their labels."""
        taxonomy, names = self.taxonomy, tuple[str, ...]()
        for pack in (*self.packs, *self.heads):
            names = (*names, pack.name)
            taxonomy = self._fusion(taxonomy, names, pack).taxonomy
        return taxonomy

    def knowing(self, taxon: str) -> list[Model | LabelledModel]:
        """Return the models that have an output for a taxon, given by its id. Reads the labels of the packs."""
        models: list[tuple[Model | LabelledModel, tuple[Animal, ...]]] = [(self.general, self.taxonomy.animals)]
        models += [(pack, pack.animals) for pack in (*self.packs, *self.heads)]
        return [model for model, animals in models if any(animal.taxon_id == taxon for animal in animals)]

    def fuse(self, photos: Sequence[PhotoScores]) -> FusedScores:
        """Return the scores of an animal from all of its photos, without a place: the geometric mean of their scores.

        A pack scores all of these photos, except those that it has scored before, if the mean passes its gate. No pack
        scores photos that show no animal. Raises `ModelError`.
        """
        general = [photo.general for photo in photos]
        vision = mean_of([scores.vision for scores in general])
        animal = float(np.mean([scores.animal_probability for scores in general]))
        taxonomy, runs = self.taxonomy, list[PackRun]()
        gated = self.packs if animal >= MOST_EMPTY else ()
        opened = [pack for pack in gated if vision[self._members(pack)].sum() >= pack.gate]
        for pack in opened:
            started = perf_counter()
            for photo in photos:
                if pack.name not in photo.of_packs:
                    photo.of_packs[pack.name] = pack.score(photo.pixels)
            fusion = self._fusion(taxonomy, (*(run.pack.name for run in runs), pack.name), pack)
            vision = fusion.join(vision, mean_of([photo.of_packs[pack.name] for photo in photos]))
            taxonomy = fusion.taxonomy
            runs.append(PackRun(pack, round((perf_counter() - started) * 1e3, 1)))
        if not isfinite(vision.sum() + animal):
            names = ", ".join([self.general.name, *(run.pack.name for run in runs)])
            raise ModelError(f"scores of {names} are not finite; expected probabilities (`python -m model check`)")
        return FusedScores(vision, vision, animal, taxonomy, tuple(runs))

    def head(
        self, scores: FusedScores, head: Head, crops: Sequence[NDArray[np.uint8]], first: PhotoScores | None
    ) -> FusedScores:
        """Return scores with a head's scores added; unchanged if the head finds that it does not know the animal.

        `crops`: `head_crops` of the animal's box. `first`: an earlier look, used again if it was at the first crop.
        Raises `ModelError`.
        """
        started = perf_counter()
        known = [first.general.features] if first and np.array_equal(first.pixels, crops[0]) else []
        looks = [*known, *(self.general.score(crop, self._ones).features for crop in crops[len(known) :])]
        said = head.score(np.stack([each for each in looks if each is not None]))
        if said[-1] > LEAST_OTHER:
            return scores
        fusion = self._fusion(scores.taxonomy, (*(run.pack.name for run in scores.packs), head.name), head)
        vision = np.zeros(len(fusion.taxonomy.animals), scores.vision.dtype)
        vision[: len(scores.vision)] = scores.vision
        run = PackRun(head, round((perf_counter() - started) * 1e3, 1))
        return replace(
            scores,
            probabilities=vision,
            vision=vision,
            taxonomy=fusion.taxonomy,
            packs=(*scores.packs, run),
            headed=head.said(said, fusion.positions),
        )

    def _fusion(self, taxonomy: Taxonomy, names: tuple[str, ...], pack: LabelledModel) -> Fusion:
        """Return the fusion of a taxonomy and a pack or head. `names`: of all packs and heads in it, in order."""
        with self._lock:
            if names not in self._fusions:
                classes = read_members(self._folder / "members.csv")
                self._fusions[names] = Fusion.of(taxonomy, frozenset(pack.manifest.taxa), pack.animals, classes)
            return self._fusions[names]


def mean_of(probabilities: list[NDArray[np.float32]]) -> NDArray[np.floating]:
    """Return the geometric mean of several arrays, scaled to a sum of 1. A single array is returned unchanged."""
    if len(probabilities) == 1:
        return probabilities[0]
    logarithms = np.mean([np.log(np.maximum(each, LEAST)) for each in probabilities], axis=0)
    mean: NDArray[np.floating] = np.exp(logarithms)
    return mean / mean.sum()


def head_crops(picture: Picture, box: Box, size: int) -> tuple[NDArray[np.uint8], ...]:
    """Return what a head sees of an animal, in training and in use: squares of shape (size, size, 3), uint8, RGB."""
    crops: list[NDArray[np.uint8]] = []
    for growth, is_mirrored, is_clear in CROPS:
        crop = picture.around(box.grown(growth), size)
        crop = stretched(crop) if is_clear else crop
        crops.append(np.ascontiguousarray(crop[:, ::-1] if is_mirrored else crop))
    return tuple(crops)


def stretched(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a square with its contrast stretched from black to white; unchanged if it has no contrast."""
    dark, bright = np.percentile(crop[::_STEP, ::_STEP], (DARK, BRIGHT))
    if dark == bright:
        return crop
    clear: NDArray[np.floating] = (crop - dark) * (255 / (bright - dark))
    return clear.clip(0, 255).astype(np.uint8)

"""Packs of another folder than the model's, and heads, which are trained on one's own photos.

Their animals may be species that no model of this release knows. Range data has these as relatives, so they live where
a relative of the same name does; of one that is no relative either, nothing is known. Ids in their labels mean nothing
here: a taxon has the id of this release, or else one made of its name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from chalicelib.features.features import Features
from chalicelib.model.manifest import CLASSIFIER, Manifest, read_manifests
from chalicelib.model.packs import LabelledModel, Pack
from chalicelib.model.relatives import Relatives
from chalicelib.model.taxonomy import KINDS, LARGEST_ID, Animal

FIRST: Final = LARGEST_ID // 2 + 1
"""The least id that is made of a name; those of the release are below 100,000."""
NATIVE: Final = 1
"""Status of a relative at a place: range data has no other of it."""


def id_of(taxon: str) -> int:
    """Return the id of a taxon that this release has none for."""
    return FIRST + crc32(taxon.encode()) % FIRST


@dataclass(frozen=True)
class Outside:
    """What lies outside of the release. Thread-safe.

    `folder`: of packs, or None. `relatives`: the species with a range that no model of the release knows.
    """

    folder: Path | None
    relatives: Relatives

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of the folder. Raises `ModelError` if one is malformed."""
        return tuple(read_manifests(self.folder)) if self.folder else ()

    def packs(self, threads: int, general: Path, known: Callable[[Animal], int]) -> tuple[Pack, ...]:
        """Return the packs. `general`: folder of the general model. `known`: gives ids.

        Raises `ModelError` if a manifest is malformed.
        """
        return tuple(Pack(each, threads, general, known) for each in self.manifests if each.kind == CLASSIFIER)

    def at(self, features: Features, packs: Sequence[LabelledModel]) -> Features:
        """Return the features of a place with the animals of these packs that this release has no ids for."""
        if features.mode != "narrowed" or not packs:
            return features
        found, living = features.found, frozenset(features.found.relatives.tolist())
        wild = {each.id for pack in packs for each in pack.animals if each.id >= FIRST and KINDS[each.kind] is None}
        here = np.array(sorted(each for each in wild if self._numbers.get(each) in living), np.int32)
        strange = np.array(sorted(each for each in wild if each not in self._numbers), np.int32)
        found = found._replace(
            animals=np.concatenate([found.animals, here]),
            weights=np.concatenate([found.weights, np.ones(len(here), np.float32)]),
            status=np.concatenate([found.status, np.full(len(here), NATIVE, np.uint8)]),
            unknown=np.concatenate([found.unknown, strange]),
        )
        return replace(features, found=found)

    @cached_property
    def _numbers(self) -> Mapping[int, int]:
        """Return the numbers of all relatives by the ids that are made of their names."""
        found = ((number, self.relatives.unknown([number], frozenset())) for number in self.relatives.numbers)
        return {id_of(each.taxon): number for number, those in found for each in those}

"""What people say about photos. An opinion consists of one observation or more, since a photo may show two species.

The newest opinion on a photo is the one that counts. Other reviewers' opinions are kept.
"""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from faunalens.taxa.taxa import ANIMALS, Kind, ScoredTaxon

KINDS: tuple[Kind, ...] = ("animal", "human", "vehicle", "blank", "unknown")
VALUES = {
    "sex": ("female", "male"),
    "life_stage": ("adult", "subadult", "juvenile"),
    "behavior": ("grazing", "browsing", "rooting", "vigilance", "running", "walking"),
}
"""The values of Camtrap DP 1.0.2. Of behaviours it lists these as examples; any other word is one too."""
TYPED = "; the name as it was typed, of no taxon that Faunalens knows"
"""Follows a typed name in the remarks of exports."""
COUNTED = "count of the models' boxes"
"""Begins the comments of a Camtrap DP on what a person named and did not count."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a person saw in a photo: one taxon or kind, with sex, age and behaviour if the person says them.

    An animal without `scientific_name` has the name that the person typed. `count`: how many there are, or None.
    """

    kind: Kind
    name: str | None = None
    scientific_name: str | None = None
    rank: str | None = None
    count: int | None = None
    sex: str | None = None
    life_stage: str | None = None
    behavior: str | None = None
    note: str | None = None

    @property
    def named(self) -> ScoredTaxon | None:
        named = ScoredTaxon(self.name or "animal", self.scientific_name or ANIMALS, self.rank or "kingdom", 1.0)
        return named if self.kind == "animal" else None


class Opinion(NamedTuple):
    """What a reviewer said of a photo. `at`: when, in UTC. Without observations, it accepts the models' answer."""

    reviewer: str
    at: str
    observations: tuple[Observation, ...] = ()


def of_taxon(named: ScoredTaxon | None, kind: Kind) -> Observation:
    """Return the observation of a taxon, or of a kind if there is none."""
    latin = named.scientific_name if named and not named.is_typed else None
    return Observation(kind, named.name, latin, named.rank) if named else Observation(kind)


def opinions_of(row: sqlite3.Row) -> Sequence[Opinion]:
    """Return reviewers' opinions on a photo, the newest last. `row`: of the view `reviewed_photo`."""
    said = json.loads(row["opinions"])
    return [
        Opinion(reviewer, at, tuple(Observation(*values) for _, _, *values in same))
        for (reviewer, at), same in groupby(said, lambda each: each[:2])
    ]

"""How long features stay in the cache: stale after a soft TTL, deleted after a hard TTL, both with jitter."""

import random
from dataclasses import dataclass

from chalicelib.features.codec import CachedValue, CellAnimals


@dataclass(frozen=True, slots=True)
class TtlPolicy:
    """Lifetimes of cached values, in seconds.

    `soft`: after it, one process queries the database again while the others still serve the old value. `hard`: after
    it the value is deleted; features outlive a database outage by this long. `empty`: factor on both for a cell
    without known animals, such as open sea. `jitter`: each lifetime varies at random by this share, so that cells
    that were filled together do not turn stale together.

    >>> open_sea = CellAnimals(0, "v1", areas=(), animals=[], weights=[], status=[])
    >>> TtlPolicy(soft=3600, hard=86400, empty=0.25, jitter=0).stamp(open_sea, now=0.0).soft
    900.0
    """

    soft: float
    hard: float
    empty: float
    jitter: float

    def stamp(self, cell_animals: CellAnimals, now: float, *, warmed: bool = False) -> CachedValue:
        """The value to cache for these animals, with expiry dates counted from `now` (seconds since 1970)."""
        share = self.empty if cell_animals.is_empty else 1.0
        soft = now + share * self.soft * self._jittered()
        hard = now + share * self.hard * self._jittered()
        return CachedValue(cell_animals, now, soft, max(soft, hard), warmed)

    def _jittered(self) -> float:
        return random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 — spread, not a secret

"""The TTLs of cached features: stale after a soft TTL, deleted after a hard TTL, both with jitter."""

import random
from dataclasses import dataclass

from chalicelib.features.codec import CachedValue, CellAnimals


@dataclass(frozen=True, slots=True)
class TtlPolicy:
    """Lifetimes of cached values, in seconds.

    `soft`: age at which a value is stale; one process refreshes it while the others still serve it. `hard`: age at
    which Redis deletes a value; features survive a database outage of this length. `empty`: factor for both TTLs of a
    cell without known animals, such as open sea. `jitter`: share by which each TTL varies at random, so that cells
    filled at the same time do not turn stale at the same time.

    >>> open_sea = CellAnimals(0, "v1", areas=(), animals=[], weights=[], status=[])
    >>> TtlPolicy(soft=3600, hard=86400, empty=0.25, jitter=0).stamp(open_sea, now=0.0).soft
    900.0
    """

    soft: float
    hard: float
    empty: float
    jitter: float

    def stamp(self, cell_animals: CellAnimals, now: float, *, warmed: bool = False) -> CachedValue:
        """Return the value to cache for these animals. Its TTLs start at `now`, in seconds since 1970."""
        share = self.empty if cell_animals.is_empty else 1.0
        soft = now + share * self.soft * self._jittered()
        hard = now + share * self.hard * self._jittered()
        return CachedValue(cell_animals, now, soft, max(soft, hard), warmed)

    def _jittered(self) -> float:
        return random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 — jitter, not a secret

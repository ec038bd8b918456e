"""How long features live in the cache: stale after a soft, gone after a hard time, both with jitter."""

import random
from dataclasses import dataclass

from chalicelib.features.codec import CellAnimals, Packed


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Seconds that a value lives, and by how much that varies.

    `soft`: after it, one caller asks the database anew while the others still take the old value. `hard`: after it
    the value is gone; this is how long features outlive a database that is down. `empty`: share of both for a cell
    of which nothing is known, such as open sea. `jitter`: share by which each life is longer or shorter, so that
    cells that were filled together do not turn stale together.

    >>> Lifetimes(soft=3600, hard=86400, empty=0.25, jitter=0).of(nobody, now=0.0).soft
    900.0
    """

    soft: float
    hard: float
    empty: float
    jitter: float

    def of(self, cell_animals: CellAnimals, now: float, *, warmed: bool = False) -> Packed:
        """The value that is cached for these cell_animals from `now` (seconds since 1970) on."""
        share = self.empty if cell_animals.is_empty else 1.0
        soft = now + share * self.soft * self._spread()
        hard = now + share * self.hard * self._spread()
        return Packed(cell_animals, now, soft, max(soft, hard), warmed)

    def _spread(self) -> float:
        return random.uniform(1 - self.jitter, 1 + self.jitter)  # noqa: S311 — spread, not a secret

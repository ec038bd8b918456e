"""The features of one cell: its animals, the level that had them, the season in their weights, the lookup's trace."""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, NamedTuple

import numpy as np

from chalicelib.features.codec import NO_ANIMALS, CellAnimals

Mode = Literal["narrowed", "no_location", "unknown_area", "degraded"]
CacheLevel = Literal["memory", "hit", "stale", "miss", "bypass"]
_TIME: Final = re.compile(r"\d{4}[-:](0[1-9]|1[0-2])(?![^-:T ])[-:T 0-9.+Z]*", re.ASCII)


class Trace(NamedTuple):
    """The counts, durations and errors of one lookup. All numbers are zero for a hit in process memory.

    `queries`, `query_ms`: number and duration of database queries, including failed ones. `lease_waits`,
    `lease_wait_ms`: number and duration of waits for another process's value. `opened`: dependencies whose circuit
    breaker this lookup opened. `warmed`: whether cache warming wrote the value. `details`: error messages of the
    dependencies.
    """

    queries: int = 0
    query_ms: float = 0.0
    lease_waits: int = 0
    lease_wait_ms: float = 0.0
    opened: tuple[str, ...] = ()
    warmed: bool = False
    details: tuple[str, ...] = ()


NO_TRACE = Trace()
"""An empty trace: no queries, no waits and no errors."""
WARMED = Trace(warmed=True)
"""An empty trace of a lookup whose value was written by cache warming."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """The animals of a cell, and the cache level they came from.

    `found`: the animals; `NO_ANIMALS` if none could be read. `faults`: codes of the faults during the lookup, in order,
    even if the lookup succeeded in the end. `month`: that of the season in the weights, 1 to 12, or None.
    """

    mode: Mode
    cache: CacheLevel
    found: CellAnimals = NO_ANIMALS
    faults: tuple[str, ...] = ()
    trace: Trace = NO_TRACE
    month: int | None = None

    @property
    def version(self) -> str | None:
        """Return the dataset's version, or None if no features could be read."""
        return self.found.version or None

    def in_month(self, month: int | None, floor: float) -> "Features":
        """Return features with the weights of a month: an animal that is not seen then keeps `floor` of its weight.

            weight · (floor + (1 - floor) · months[month] / 255)

        Animals without a known season keep their weights. Without a month, or with a floor of 1, nothing changes.
        docs/explanation/narrowing.md explains the factor.
        """
        found = self.found
        if month is None or floor >= 1 or not len(found.seasons.animals):
            return self
        factors = np.ones(len(found.animals), np.float32)
        shares = found.seasons.months[:, month - 1] / np.float32(255)
        factors[np.searchsorted(found.animals, found.seasons.animals)] = floor + (1 - floor) * shares
        return replace(self, found=found._replace(weights=found.weights * factors), month=month)


NO_LOCATION = Features("no_location", "bypass")
"""The features of a request with `location=none`."""


def features_of(
    found: CellAnimals, cache: CacheLevel, faults: tuple[str, ...] = (), trace: Trace = NO_TRACE
) -> Features:
    """Return the features of a cell from the animals that a store has for it."""
    return Features("unknown_area" if found.is_empty else "narrowed", cache, found, faults, trace)


def degraded(faults: tuple[str, ...], trace: Trace = NO_TRACE) -> Features:
    """Return empty features, for a lookup that could not read any."""
    return Features("degraded", "bypass", faults=faults, trace=trace)


def month_in(text: str) -> int | None:
    """Return the month, 1 to 12, of a time that begins with year and month: ISO 8601, or as EXIF writes it.

    The rest of the text is ignored, because a day more or less hardly changes the season.

    >>> month_in("2026-07-14T09:30:00+02:00"), month_in("2026:07:14 09:30:00"), month_in("0000:00:00 00:00:00")
    (7, 7, None)
    """
    found = _TIME.fullmatch(text.strip(" \0"))
    return int(found[1]) if found else None

"""Drift: whether photos and answers still resemble earlier ones. Every hour, each population is compared.

A photo belongs to one class of each population, such as `confidence:0.9` and `quality:dark` (`classes_of` in
identify.py). Processes count classes
and send the counts to Redis with the counts of demand, so that no request waits for them. Warming's schedule compares
the last whole hour with the release's reference: the same hours of the day in the two weeks before that release. Redis
keeps each release's reference, so a return to an earlier release uses its reference again.

The measure is the population stability index, the sum of (p - q) ln(p / q) over the classes, less the part that chance
alone brings with so many photos: (classes - 1) (1/n + 1/m) (Yurdakul 2018). An index above 0.25 is said to be a shift,
one below 0.1 none (Siddiqi 2006).
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import batched
from math import log
from time import time
from typing import Final, NamedTuple, Protocol

from chalicelib.deadline import Deadline
from chalicelib.errors import DependencyError
from chalicelib.features.cache import KEEP_SEEN, SEEN_DAYS, Cache, Entry, reference_key
from chalicelib.telemetry.metrics import DIMENSIONS
from chalicelib.telemetry.record import Notes

LEAST: Final = 200
"""Least number of photos to compare two populations. For an hour with fewer, the last 24 hours are compared."""
RARE: Final = 0.01
"""Share of the reference below which classes are counted together: otherwise the index would depend on a few photos."""
_DAY = 24
_TTL = 4 * KEEP_SEEN
"""Lifetime of a reference in Redis, in seconds. A release that lives longer gets a new one."""

type Reference = Sequence[Counter[str]]
"""Photos by class, for each hour of a day (UTC)."""


class Counts(Cache, Protocol):
    """The Redis operations that drift needs; stores/redis_cache.py explains them."""

    def seen(self, hours: Sequence[int], deadline: Deadline) -> list[Counter[str]]: ...


class Shift(NamedTuple):
    """How far a population is from its reference: `distance` is the index that this module's docstring explains.

    `moved`: the classes whose shares changed most, each with its change in percentage points.
    """

    distance: float
    moved: str

    @classmethod
    def between(cls, reference: Mapping[str, int], now: Mapping[str, int]) -> "Shift":
        """Return the shift from a reference to now, each given as the number of photos by class.

        >>> Shift.between({"good": 900, "dark": 100}, {"good": 450, "dark": 550})
        Shift(distance=1.0739, moved='good -45, dark +45')
        """
        before, after = sum(reference.values()), sum(now.values())
        if not (before and after):  # a release that counts nothing of this population
            return cls(0.0, "")
        usual = {name: photos for name, photos in reference.items() if photos >= RARE * before}
        counts = {name: (photos, now.get(name, 0)) for name, photos in usual.items()}
        rare = before - sum(usual.values()), after - sum(new for _, new in counts.values())
        counts |= {"others": rare} if any(rare) else {}
        more = 0.5  # of a photo in each class, so that none is empty
        old_total, new_total = before + more * len(counts), after + more * len(counts)
        shares = {name: ((old + more) / old_total, (new + more) / new_total) for name, (old, new) in counts.items()}
        distance = sum((new - old) * log(new / old) for old, new in shares.values())
        chance = (len(shares) - 1) * (1 / before + 1 / after)
        points = {name: round(100 * (new - old)) for name, (old, new) in shares.items()}
        moved = sorted((name for name in points if points[name]), key=lambda name: -abs(points[name]))
        return cls(round(max(distance - chance, 0.0), 4), ", ".join(f"{name} {points[name]:+}" for name in moved[:3]))


class Drift:
    """Compares the photos and answers of the last whole hour with the reference of a release."""

    def __init__(self, counts: Counts, release: str, now: Callable[[], float] = time) -> None:
        self._counts, self._key, self._now = counts, reference_key(release), now
        self._done: int | None = None  # the hour that was compared last

    def run(self, deadline: Deadline, *, renew: bool = False) -> list[Notes]:
        """Return the metrics of each population, once for each hour.

        Empty if there are too few photos, or if Redis fails. `renew`: first learn a new reference from the last day,
        because the present photos and answers are right.
        """
        last = int(self._now()) // 3600 - 1
        if last == self._done and not renew:
            return []
        try:
            reference = None if renew else self._kept(deadline)
            reference = reference or self._learn(last, deadline, days=1 if renew else SEEN_DAYS)
            recent = self._counts.seen(range(last, last - _DAY, -1), deadline)
        except DependencyError:  # warming itself has said so
            return []
        self._done = last
        for hours in (1, _DAY):
            now = sum(recent[:hours], Counter[str]())
            before = sum((reference[(last - age) % _DAY] for age in range(hours)), Counter[str]())
            if min(_photos(now), _photos(before)) >= LEAST:
                return [
                    of_shift(each, Shift.between(_of(before, each), _of(now, each)), _photos(now), hours)
                    for each in DIMENSIONS["population"].values
                ]
        return []

    def _kept(self, deadline: Deadline) -> Reference | None:
        with suppress(ValueError):  # nothing, or nothing that can be read: it is learned anew
            return [Counter(each) for each in json.loads(self._counts.read(self._key, deadline) or b"")]
        return None

    def _learn(self, last: int, deadline: Deadline, days: int) -> Reference:
        """Return a reference from the last `days`. Redis keeps it if `days` is 1, or if the oldest half has photos."""
        hours = range(last - 1, last - 1 - days * _DAY, -1)
        reference = [Counter[str]() for _ in range(_DAY)]
        is_whole = days == 1
        days_of = batched(hours, _DAY, strict=True)  # in portions that Redis sends in time
        found = (seen for day in days_of for seen in self._counts.seen(day, deadline))
        for age, (hour, seen) in enumerate(zip(hours, found, strict=True)):
            reference[hour % _DAY] += seen
            is_whole |= age >= days * _DAY / 2 and bool(seen)
        if is_whole:
            self._counts.write([Entry(self._key, json.dumps(reference, allow_nan=False).encode(), _TTL)], deadline)
        return reference


def _photos(seen: Mapping[str, int]) -> int:
    return sum(_of(seen, "subject").values())


def _of(seen: Mapping[str, int], population: str) -> dict[str, int]:
    """Return the number of photos in each class of a population."""
    parts = ((name.partition(":"), photos) for name, photos in seen.items())
    return {value: photos for (its, _, value), photos in parts if its == population}


def of_shift(population: str, shift: Shift, photos: int, hours: int) -> Notes:
    """Return the metrics of a population. `photos`: number that was compared, from the last `hours` hours."""
    properties = {"population": population, "moved": shift.moved, "photos": photos, "hours": hours}
    return Notes({"Drift": shift.distance}, properties, {"population": population})

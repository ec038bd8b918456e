"""The simulated day: how many people ask when, and what breaks when.

00:00  a quiet night                       16:00  the database is down for 10 minutes
06:00  the morning fills                   18:00  Redis is down for 10 minutes
12:00  ten times the traffic, all at once  20:00  the warming schedule is silent for an hour
14:00  somebody flushes the cache
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from random import Random

START = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC).timestamp()
"""Seconds since 1970 of the day's begin, a Monday; fixed, so that two runs of one seed write the same bytes."""
MINUTES = 24 * 60

_COURSE = ((0, 3), (5, 2), (6, 4), (8, 14), (10, 19), (14, 18), (16, 24), (19, 24), (21, 15), (23, 6), (24, 3))
"""Hour and requests a minute; straight between."""
SPIKE = 10.0
_RISE, _HOLD, _FALL = 3.0, 20.0, 12.0
"""Minutes in which the spike comes, stays and goes."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the day, in minutes from its begin."""

    start: int
    length: int

    def __contains__(self, moment: object) -> bool:
        """Whether a moment (seconds since 1970) is within."""
        return isinstance(moment, int | float) and self.start <= (moment - START) / 60 < self.start + self.length


CROWD = Window(12 * 60, 40)
RUSH = Window(12 * 60 + 22, 1)
"""Within the crowd: people who all come at one moment, more than there may be containers."""
LONG_RUSH = Window(12 * 60 + 22, 8)
"""The same on a bad day: minute after minute."""
FLUSH = Window(14 * 60, 1)
DATABASE_DOWN = Window(16 * 60, 10)
REDIS_DOWN = Window(18 * 60, 10)
WARMING_SILENT = Window(20 * 60, 60)


def rate(minute: float) -> float:
    """Requests a minute that are to be expected at a minute of the day."""
    hour = minute / 60
    for (begin, low), (end, high) in pairwise(_COURSE):
        if begin <= hour <= end:
            usual = low + (high - low) * (hour - begin) / (end - begin)
            return usual * (1 + (SPIKE - 1) * _crowd(minute - CROWD.start))
    raise ValueError(f"the day has no minute {minute:g}; it has {MINUTES}")


def arrivals(random: Random, rush: int, when: Window = RUSH) -> Iterator[float]:
    """When each request comes in, seconds since 1970, in order.

    By themselves people come one by one; in the crowd, many at the same moment. `rush`: how many at the worst, in each
    minute of `when`.
    """
    for minute in range(MINUTES):
        expected = rate(minute + 0.5)
        begin = START + minute * 60
        offsets = []
        offset = random.expovariate(expected) * 60
        while offset < 60:
            offsets.append(offset)
            offset += random.expovariate(expected) * 60
        if begin in CROWD:
            moments = [random.uniform(1, 55) for _ in range(3)]
            offsets = [
                random.choice(moments) + abs(random.gauss(0, 0.3)) if random.random() < 0.6 else offset
                for offset in offsets
            ]
        if begin in when:
            offsets += [30 + random.uniform(0, 0.02) for _ in range(rush)]
        yield from (begin + offset for offset in sorted(offsets))


def _crowd(since: float) -> float:
    """How much of the spike is there, 0 to 1, minutes after its begin."""
    if since < 0 or since > CROWD.length:
        return 0.0
    return min(1.0, since / _RISE, max(0.0, (_RISE + _HOLD + _FALL - since) / _FALL))

"""Define the schedule of the simulated day: its traffic and its outages.

00:00  a quiet night                       16:00  the database is down for 10 minutes
06:00  traffic rises                       18:00  Redis is down for 10 minutes
12:00  ten times the traffic, in bursts    20:00  warming does not run for an hour
14:00  the cache is flushed                15:00  a dataset is in shadow for five hours
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

import numpy as np

START = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
"""Start of the day in seconds since 1970, a Monday; fixed, so that one seed always writes the same bytes."""
MINUTES = 24 * 60

_TRAFFIC = {0: 3, 5: 2, 6: 4, 8: 14, 10: 19, 14: 18, 16: 24, 19: 24, 21: 15, 23: 6, 24: 3}
"""Hour of the day → requests a minute. The rate between two hours is interpolated."""
_SPIKE = {0: 1, 3: 10, 23: 10, 35: 1}
"""Minute of the spike → factor of the traffic. The factor between two minutes is interpolated."""


class Window(NamedTuple):
    """A part of the day. `start` (counted from midnight) and `length` are in minutes."""

    start: int
    length: int

    @property
    def begin(self) -> float:
        """The start in seconds since 1970."""
        return START + 60 * self.start

    def has(self, moment: float) -> bool:
        """Return whether a time (seconds since 1970) is within the window."""
        return 0 <= moment - self.begin < 60 * self.length


SPIKE = Window(12 * 60, 40)
BURST = Window(12 * 60 + 22, 1)
"""The minute of the spike with a burst of more requests than the stage's limit of containers."""
LONG_BURST = Window(12 * 60 + 22, 8)
"""The minutes of a bad day that have such a burst."""
FLUSH = Window(14 * 60, 1)
DATABASE_DOWN = Window(16 * 60, 10)
REDIS_DOWN = Window(18 * 60, 10)
WARMING_SILENT = Window(20 * 60, 60)
IN_SHADOW = Window(15 * 60, 300)
DRIFTING = Window(7 * 60, 17 * 60)
"""The time in which photos or answers change on a day with drift."""
DRIFT_TITLES = {
    "firmware": "the firmware of a third of the cameras is broken",
    "season": "a new season brings other animals",
    "temperature": "the scores of the model are not calibrated",
}
OPENING = REDIS_DOWN.begin + 8 * 60
"""The time that the preview shows first: Redis is down, its alarms fire, and the database was down two hours before."""


class Incident(NamedTuple):
    """An incident that begins at `at`. Its link shows the time up to `until`. Both are in seconds since 1970."""

    at: float
    title: str
    until: float


def incidents(*, bad: bool = False, drift: str | None = None) -> list[Incident]:
    """Return the incidents in order. The shown time ends during the incident or a few minutes after it."""
    minutes = [
        ("ten times the traffic", SPIKE, 15),
        ("a fifth of the requests fail", LONG_BURST, 8) if bad else ("burst above the limit", BURST, 5),
        ("the cache is flushed", FLUSH, 10),
        ("the database is down", DATABASE_DOWN, 5),
        ("Redis is down", REDIS_DOWN, 8),
        ("warming stops", WARMING_SILENT, 45),
    ]
    drifts = [(DRIFT_TITLES[drift], DRIFTING, 290)] if drift else []
    return [Incident(window.begin, title, window.begin + 60 * shown) for title, window, shown in (*drifts, *minutes)]


def rate(minute: float) -> float:
    """Return the expected number of requests per minute at a given minute of the day."""
    usual = np.interp(minute / 60, list(_TRAFFIC), list(_TRAFFIC.values()))
    return float(usual * np.interp(minute - SPIKE.start, list(_SPIKE), list(_SPIKE.values())))


def arrivals(random: Random, minute: int, burst: int) -> Iterator[float]:
    """Yield the times of a minute's requests in seconds since 1970, in order. `burst`: of these arrive together."""
    expected = rate(minute + 0.5)
    offsets = [random.uniform(0, 60) for _ in range(max(0, round(random.gauss(expected, expected**0.5))))]
    offsets += [30 + random.uniform(0, 0.02) for _ in range(burst)]
    yield from (START + 60 * minute + offset for offset in sorted(offsets))

"""Simulate the classes of photos and answers in each hour, from which the app's own code computes their drift.

A dictionary replaces Redis: it counts the photos of each class per hour, also for the two weeks before the day.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Literal, get_args

from chalicelib.features.cache import SEEN_DAYS, Entry
from chalicelib.features.deadline import Deadline
from chalicelib.telemetry.drift import Drift
from chalicelib.telemetry.measures import Outcome
from chalicelib.telemetry.record import Notes
from cloudwatch.simulation import schedule

Case = Literal["firmware", "season", "temperature"]
CASES: tuple[Case, ...] = get_args(Case)

_SAMPLE = 500
"""Number of photos in each hour of the days before the simulated day."""
_NIGHT = range(6)
"""Hours of the day in which more of the photos are from camera traps."""
_SHARES: Mapping[str, Mapping[str, float]] = {
    "subject": {"animal": 0.9, "none": 0.05, "person": 0.03, "unclear": 0.02},
    "why_not": {"nothing": 0.8, "no_animal": 0.06, "unlike": 0.05, "unclear": 0.04, "photo_dark": 0.03, "person": 0.02},
    "taxa": {"AU Aves": 0.3, "AU Mammalia": 0.3, "AU Reptilia": 0.08, "US Aves": 0.2, "DE Insecta": 0.12},
    "quality": {"good": 0.8, "soft": 0.09, "dark": 0.06, "small": 0.03, "grey": 0.02},
}
_BY_NIGHT = {"quality": {"good": 0.55, "soft": 0.07, "dark": 0.08, "small": 0.02, "grey": 0.28}}
_BROKEN = {
    "subject": {"animal": 0.55, "none": 0.2, "unclear": 0.25},
    "why_not": {"nothing": 0.4, "photo_blurred": 0.35, "unclear": 0.25},
    "quality": {"soft dark": 0.7, "soft": 0.3},
}
"""Classes of photos from cameras with the broken firmware, which send about a third of all photos."""
_LATER = {"taxa": {"AU Aves": 0.05, "AU Mammalia": 0.35, "AU Reptilia": 0.3, "DE Insecta": 0.3}}
"""Shares of taxa in a later season, when birds have left and insects have come."""
_LOST = 0.6737
"""The temperature in model/temperature.json. Without it, scores are lower than the share of right answers."""


class Populations:
    """Simulates counts of a day's photos in Redis, for `Drift`. `case`: why photos or answers change, if they do."""

    def __init__(self, seed: int, case: Case | None) -> None:
        self._random, self._case = Random(f"populations {seed}"), case  # noqa: S311  a simulation
        self._values: dict[bytes, bytes] = {}
        self._seen: dict[int, Counter[str]] = {}
        first = int(schedule.START) // 3600
        for hour in range(24):
            photos = Counter[str]()
            for _ in range(_SAMPLE):
                score = self._random.betavariate(5.0, 1.36)  # as traffic.py, with and without a place
                expected = self._random.choices(("yes", "no", "no place"), (0.915, 0.015, 0.07))[0]
                photos.update(self._classes(score, expected, hour, {}))
            self._seen |= {first - 24 * day + hour: photos for day in range(1, SEEN_DAYS + 1)}

    def changed(self, outcome: Outcome, now: float) -> Outcome:
        """Return an identification's outcome, changed according to the case, and count the photo."""
        case, score = self._case if now in schedule.DRIFTING else None, outcome.score
        passed = (now - schedule.DRIFTING.begin) / (60 * schedule.DRIFTING.length)  # a season comes in hours, not weeks
        share = {None: 0.0, "firmware": 0.35, "season": passed, "temperature": 1.0}[case]
        is_drawn = self._random.random() < share
        if is_drawn and case == "firmware":
            score = round(self._random.betavariate(3.0, 2.4), 4)
        elif is_drawn and case == "temperature":
            score = round(score**_LOST / (score**_LOST + 2 * (1 - score) ** _LOST), 4)
        shares = {"firmware": _BROKEN, "season": _LATER}.get(case or "", {}) if is_drawn else {}
        expected = "no place" if outcome.source == "none" else "no" if outcome.is_unexpected else "yes"
        seen = self._seen.setdefault(int(now) // 3600, Counter())
        seen.update(self._classes(score, expected, int(now - schedule.START) // 3600, shares))
        return outcome._replace(score=score)

    def _classes(self, score: float, expected: str, hour: int, shares: Mapping[str, Mapping[str, float]]) -> list[str]:
        drawn = {**_SHARES, **(_BY_NIGHT if hour in _NIGHT else {}), **shares}
        values = {name: self._random.choices(list(each), list(each.values()))[0] for name, each in drawn.items()}
        values |= {"confidence": f"{int(min(score, 0.99) * 10) / 10:.1f}", "expected": expected}
        return [f"{name}:{value}" for name, value in values.items()]

    def notes(self, now: float) -> list[Notes]:
        """Return the metrics of drift that the scheduled warming emits at `now` (seconds since 1970)."""
        return Drift(self, "1", lambda: now).run(Deadline.after(60))

    def seen(self, hours: Sequence[int], _: Deadline) -> list[Counter[str]]:
        """Return the number of photos of each class, for each of `hours`."""
        return [self._seen.get(hour, Counter()) for hour in hours]

    def read(self, key: bytes, _: Deadline) -> bytes | None:
        """Return the value of a key in the simulated Redis, or None."""
        return self._values.get(key)

    def write(self, entries: Sequence[Entry], _: Deadline) -> None:
        """Store entries in the simulated Redis."""
        self._values |= {each.key: each.value for each in entries}

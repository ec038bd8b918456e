"""Simulate the drift of photos and answers, which the app's warming function reports every hour."""

from collections.abc import Iterator
from random import Random
from typing import Literal, get_args

from chalicelib.telemetry.drift import Shift, of_shift
from chalicelib.telemetry.metrics import DIMENSIONS
from chalicelib.telemetry.record import Notes
from cloudwatch.simulation import schedule

Case = Literal["firmware", "season", "temperature"]
CASES: tuple[Case, ...] = get_args(Case)
_SHIFTS: dict[Case, dict[str, Shift]] = {
    "firmware": {
        "quality": Shift(2.1, "good -28, soft dark +25, soft +8"),
        "why_not": Shift(1.0, "nothing -14, photo_blurred +12, unclear +8"),
        "subject": Shift(0.2, "animal -12, unclear +8, none +5"),
        "confidence": Shift(0.24, "0.9 -12, 0.4 +6, 0.5 +5"),
    },
    "season": {"taxa": Shift(1.2, "AU Aves -25, AU Reptilia +21, US Aves -19")},
    "temperature": {"confidence": Shift(1.6, "0.9 -40, 0.6 +15, 0.5 +14")},
}
"""The populations that drift in each case, as the app's own code computed them from photos that change this way."""


def drift_of_hour(random: Random, now: float, case: Case | None) -> Iterator[Notes]:
    """Yield the metrics of each population in the hour before `now` (seconds since 1970)."""
    shifts = _SHIFTS[case] if case and now - 3600 in schedule.DRIFTING else {}
    passed = (now - schedule.DRIFTING.begin) / (60 * schedule.DRIFTING.length)
    growth = passed**2 if case == "season" else 1.0  # a season comes in hours, not weeks
    for population in DIMENSIONS["population"].values:
        distance, moved = shifts.get(population, Shift(0.0, ""))
        distance = abs(distance * growth * random.gauss(1, 0.1) + random.gauss(0, 0.005))
        photos = round(60 * schedule.rate((now - schedule.START) / 60 - 30))
        yield of_shift(population, Shift(round(distance, 4), moved), photos, 1)

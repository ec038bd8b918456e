"""The simulated populations: a usual day drifts nowhere, and each case where it should."""

import pytest

from chalicelib.telemetry.measures import Outcome
from cloudwatch.simulation import schedule
from cloudwatch.simulation.populations import Case, Populations

HOUR = 3600.0
ALARM = 0.25


def drifting(case: Case | None, seed: int) -> set[str]:
    """Return the populations above the alarm's limit in each of three hours, some hours after the change began."""
    populations, outcome = Populations(seed, case), Outcome("exif", "koala", "koala", 0.9, "native", "species", "", {})
    begin = schedule.DRIFTING.begin + 9 * HOUR
    found = []
    for hour in range(3):
        for photo in range(900):
            likely = populations._random.betavariate(5.0, 1.36)
            drawn = outcome._replace(score=likely, source="none" if photo % 14 == 0 else "exif")
            populations.changed(drawn, begin + hour * HOUR + photo)
        notes = populations.notes(begin + (hour + 1) * HOUR + 60)
        found.append({each.dimensions["population"] for each in notes if each.metrics["Drift"] > ALARM})
    return set.intersection(*found)


@pytest.mark.parametrize(
    ("case", "expected"),
    [(None, set()), ("firmware", {"quality", "why_not"}), ("season", {"taxa"}), ("temperature", {"confidence"})],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_case_shows_where_it_should(case: Case | None, expected: set[str], seed: int) -> None:
    assert drifting(case, seed) == expected

"""Filters of occurrences, in words."""

import pytest

from database.occurrences.filters import Filters


@pytest.mark.parametrize(
    ("filters", "reason"),
    [
        (Filters(), "from before 1980"),
        (Filters(until=2020), "from before 1980 or after 2020"),
    ],
)
def test_a_report_names_only_the_years_that_were_asked_for(filters: Filters, reason: str) -> None:
    assert reason in filters.reasons

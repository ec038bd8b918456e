"""Filters of occurrences, in words, and the columns that they read."""

import pytest

from database.occurrences.columns import column_names
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


def test_a_date_by_its_plain_name_says_year_and_month() -> None:
    # GIVEN a file of somebody's own WHEN its column is called as people call it
    found = column_names(["scientific_name", "latitude", "longitude", "Date"])
    # THEN the filter of years and the seasons read it
    assert (found["year"], found["month"]) == ("Date", "Date")

"""Filters of occurrences, in words, and the columns that they read."""

import duckdb
import pytest

from database.maintain.occurrences.filters import Filters
from database.maintain.occurrences.records import column_names


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


@pytest.mark.parametrize("basis", ["FOSSIL_SPECIMEN", "FossilSpecimen", "LIVING_SPECIMEN", "LivingSpecimen"])
def test_specimens_are_left_out_as_gbif_and_as_darwin_core_write_them(basis: str) -> None:
    condition = Filters().reasons["fossil, or a living specimen in a zoo or garden"]
    assert duckdb.execute(f"select {condition} from (select lower('{basis}') as basis)").fetchall() == [(True,)]


def test_the_accuracy_of_a_place_that_inaturalist_has_obscured_is_that_of_the_place_shown() -> None:
    # GIVEN an export, in which `positional_accuracy` is that of the place that it hides
    found = column_names(["latitude", "longitude", "positional_accuracy", "public_positional_accuracy"])
    assert found["uncertainty"] == "public_positional_accuracy"


def test_the_group_of_a_name_follows_from_what_inaturalist_exports_unasked() -> None:
    assert column_names(["scientific_name", "iconic_taxon_name"])["class"] == "iconic_taxon_name"
    assert column_names(["iconic_taxon_name", "taxon_class_name"])["class"] == "taxon_class_name"

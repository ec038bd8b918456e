"""Filters of occurrences, in words, and the columns that they read."""

import duckdb
import pytest

from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.records import column_names


@pytest.mark.parametrize("basis", ["FOSSIL_SPECIMEN", "FossilSpecimen", "LIVING_SPECIMEN", "LivingSpecimen"])
def test_specimens_are_left_out_as_gbif_and_as_darwin_core_write_them(basis: str) -> None:
    condition = Filters().reasons["fossil, or a living specimen in a zoo or garden"]
    assert duckdb.execute(f"select {condition} from (select lower('{basis}') as basis)").fetchall() == [(True,)]


@pytest.mark.parametrize(
    ("columns", "ours", "theirs"),
    [
        ("Date", "year", "Date"),  # as people call it
        ("positional_accuracy public_positional_accuracy", "uncertainty", "public_positional_accuracy"),
        ("iconic_taxon_name", "class", "iconic_taxon_name"),  # what iNaturalist exports unasked
        ("iconic_taxon_name taxon_class_name", "class", "taxon_class_name"),
    ],
)
def test_of_the_columns_of_others_the_one_that_says_most_counts(columns: str, ours: str, theirs: str) -> None:
    assert column_names(columns.split())[ours] == theirs

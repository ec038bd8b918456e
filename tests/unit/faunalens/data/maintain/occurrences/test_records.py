"""Columns of occurrences in SQL, as files in the field write them, and the filters that read them."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pytest

from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.records import column_names, name_query, normal_query

type Columns = Mapping[str, tuple[str, Any]]  # by name: DuckDB's type and the value of the only row


def normal(columns: Columns, *wanted: str) -> tuple[Any, ...]:
    """Return some of our columns of a record."""
    values = ", ".join(
        f'cast(${at} as {type_}) as "{name}"' for at, (name, (type_, _)) in enumerate(columns.items(), 1)
    )
    query = normal_query(f"(select {values})", {name: type_.upper() for name, (type_, _) in columns.items()}, {})
    with duckdb.connect() as connection:
        parameters = [value for _, value in columns.values()]
        (row,) = connection.execute(f"select {', '.join(wanted)} from ({query})", parameters).fetchall()
    return row


def texts(**values: str | None) -> Columns:
    return {name: ("varchar", value) for name, value in values.items()} | {"species": ("varchar", "Vulpes vulpes")}


@pytest.mark.parametrize(
    ("columns", "year", "month"),
    [
        # the year of a date in any order, and the month of ISO 8601 only
        (texts(date="2020-07-14T09:30"), 2020, 7),
        (texts(date="2020-01-01/2020-02-01"), 2020, None),
        (texts(date="20200714"), 2020, None),
        (texts(date="12.5.1979"), 1979, None),
        (texts(date="5 May 2020"), 2020, None),
        (texts(date="43831"), None, None),
        (texts(date=""), None, None),
        # a date counts where the columns of year and month are empty
        (texts(year="", month=None, eventDate="1950-03-01"), 1950, 3),
        (texts(year="2020", month="7", eventDate="1950-03-01"), 2020, 7),
        # a period has a month if it is within one, and the column of a cube has another name
        (texts(eventDate="2020-07-14/2020-07-16"), 2020, 7),
        (texts(eventDate="2020-07-14/2020-08-02"), 2020, None),
        (texts(yearmonth="2020-07"), 2020, 7),
        (texts(yearmonth="2020-00"), 2020, None),
        # programs write a decimal point
        ({"year": ("double", 2020), "month": ("double", 7)}, 2020, 7),
        (texts(year="2020.0", month="7.0"), 2020, 7),
    ],
)
def test_the_year_and_the_month(columns: Columns, year: int | None, month: int | None) -> None:
    assert normal(columns, "year", "month") == (year, month)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("varchar", "COORDINATE_ROUNDED;ZERO_COORDINATE"),
        ("varchar", "[COORDINATE_ROUNDED, ZERO_COORDINATE]"),
        ("varchar[]", ["COORDINATE_ROUNDED", "ZERO_COORDINATE"]),
        ("struct(array_element varchar)[]", [{"array_element": "ZERO_COORDINATE"}]),
        ("struct(bag struct(array_element varchar)[])", {"bag": [{"array_element": "ZERO_COORDINATE"}]}),
    ],
)
def test_issues_are_found_however_they_are_written(type_: str, value: Any) -> None:
    columns = {"issue": (type_, value)}
    assert normal(columns, "contains(issues, 'ZERO_COORDINATE')", "contains(issues, 'ZERO')") == (True, False)


def numbers(first: Columns, second: Columns) -> set[int]:
    """Return the numbers of the names of two records."""
    return {normal(first, "name")[0], normal(second, "name")[0]}


@pytest.mark.parametrize("key", ["NA", "0", "NULL", r"\N", ""])
def test_records_without_a_key_are_told_apart_by_their_names(key: str) -> None:
    # GIVEN two genera, whose species' key a program has written as missing
    canis, meles = (texts(speciesKey=key, scientificName=name) for name in ("Canis", "Meles"))
    # THEN they stay two names, but a key is one
    assert len(numbers(canis, meles)) == 2
    assert len(numbers(texts(speciesKey="1", scientificName="a"), texts(speciesKey="1", scientificName="b"))) == 1
    assert len(numbers({"taxonKey": ("integer", 7)}, {"taxonKey": ("integer", 7)})) == 1
    for type_, of_type in (("ubigint", "7"), ("uuid", f"{7:032x}"), ("blob", "7")):
        first, second = ({"taxonKey": (type_, of_type), "species": ("varchar", name)} for name in ("a", "b"))
        assert len(numbers(first, second)) == 1
    # BUT a file that says the family too has its own name for a key, so that its records count for the family
    assert len(numbers(texts(speciesKey="1"), texts(speciesKey="1", family="Canidae"))) == 2


@pytest.mark.parametrize(("type_", "key"), [("double", 5219243), ("varchar", "5219243.0"), ("varchar", "5219243")])
def test_keys_that_a_program_read_as_numbers_are_the_same_keys(type_: str, key: Any) -> None:
    types = {"taxonKey": type_.upper(), "speciesKey": type_.upper()}
    relation = f"(select cast('{key}' as {type_}) as taxonKey, cast('{key}' as {type_}) as speciesKey)"
    query = name_query(relation, types, {}, lambda _: "true")
    assert duckdb.execute(f"select taxon_key, species_key from ({query})").fetchall() == [("5219243", "5219243")]


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

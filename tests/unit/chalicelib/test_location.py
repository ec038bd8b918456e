"""Locations: the text of requests becomes a location, or an error that says what to send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.errors import LocationInvalid
from chalicelib.location import Location, cell_of, center_of, neighbours_of, parse_cell, parse_location, text_of


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_numbers_keep_their_value_in_the_notation_of_programs(latitude: float, longitude: float) -> None:
    # GIVEN numbers as Python and JavaScript print them, such as 5e-05; WHEN parsed; THEN they are equal
    assert parse_location(repr(latitude), repr(longitude)) == Location(latitude, longitude, "request")


@pytest.mark.parametrize(("text", "value"), [("5e-05", 0.00005), ("1E1", 10), ("-.5", -0.5), ("5.", 5), ("0", 0)])
def test_short_and_scientific_numbers_are_numbers(text: str, value: float) -> None:
    assert parse_location(text, "0") == Location(value, 0, "request")


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1e", "e1", "1e1.5", "１２", "1_0", "0x10", "12.5.1", "north", "1234", "-", "."]
)
def test_other_text_is_rejected(text: str) -> None:
    with pytest.raises(LocationInvalid, match=r"lat is not a decimal number of degrees; send a number such as -33\.9"):
        parse_location(text, "0")
    with pytest.raises(LocationInvalid, match="use a decimal point, not a comma"):
        parse_location("0", f"{text},2")


def test_white_space_around_a_number_is_ignored() -> None:
    space = " \t\n\x1c\x1d\x1e\x1f\x85\xa0\u2003"
    assert parse_location(f"{space}9{space}", f"8.5{space}") == Location(9, 8.5, "request")


@given(st.text(), st.text())
def test_any_text_gives_a_location_or_location_invalid(latitude: str, longitude: str) -> None:
    try:
        parse_location(latitude, longitude)
    except LocationInvalid:
        return


def test_the_advice_on_a_number_out_of_range_fits_its_source() -> None:
    # GIVEN a request to /animals, which needs a location; THEN the advice is not to ignore the location
    with pytest.raises(LocationInvalid, match=r"degrees; send lat and lon in WGS84 decimal degrees$"):
        parse_location("95", "0")
    # AND a client that sent a photo learns that it may send a location, or ignore that of the photo
    with pytest.raises(LocationInvalid, match=r"degrees; send lat and lon with the request, or location=none"):
        Location(95, 0, "exif")


def test_neither_repr_nor_errors_show_coordinates() -> None:
    assert "33" not in repr(parse_location("-33.8688", "151.2093"))
    with pytest.raises(LocationInvalid) as caught:
        parse_location("-133.8688", "151.2093")
    assert "133" not in str(caught.value)


def test_a_known_place_is_in_its_known_cell() -> None:
    # GIVEN Sydney; THEN its H3 cell at resolution 3 is the published one
    assert text_of(cell_of(-33.8688, 151.2093)) == "83be0efffffffff"


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_place_has_a_cell_whose_text_parses_to_it(latitude: float, longitude: float) -> None:
    cell = cell_of(latitude, longitude)
    assert parse_cell(text_of(cell)) == cell
    assert 0 < cell < 2**63  # fits a bigint
    # AND a rounded centre, which tells no place of it from another
    center = center_of(cell)
    assert center == (round(center[0], 1), round(center[1], 1))
    assert cell_of(*center) == cell
    # AND neighbours, which have it as theirs
    neighbours = neighbours_of(cell)
    assert len(neighbours) in (5, 6)
    assert cell not in neighbours
    assert all(cell in neighbours_of(neighbour) for neighbour in neighbours)


@pytest.mark.parametrize("text", ["", "koala", "83be0effffffff", "84be0efffffffff", "ffffffffffffffff", "f" * 40, "-1"])
def test_what_is_no_cell_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an H3 cell"):
        parse_cell(text)

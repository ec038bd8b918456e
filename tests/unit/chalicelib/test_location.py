"""Locations: EXIF of any make and text of any kind become a place, nothing, or a sentence."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL.ExifTags import GPS
from PIL.TiffImagePlugin import IFDRational

from chalicelib.errors import LocationInvalid
from chalicelib.location import Location, from_gps, from_request

SYDNEY: dict[int, Any] = {
    GPS.GPSLatitudeRef: "S",
    GPS.GPSLatitude: (33.0, 52.0, 7.68),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSLongitude: (151.0, 12.0, 33.48),
}


def test_degrees_minutes_and_seconds_become_decimal_degrees() -> None:
    # GIVEN Sydney as a camera writes it; WHEN read
    location = from_gps(SYDNEY)
    # THEN south is negative, east is positive
    assert location is not None
    assert location.source == "exif"
    assert (location.latitude, location.longitude) == pytest.approx((-33.8688, 151.2093), abs=1e-6)


@pytest.mark.parametrize("value", [(33.8688,), 33.8688, (33, 52.128), (IFDRational(338688, 10000),)])
def test_fewer_than_three_numbers_are_read_too(value: Any) -> None:
    location = from_gps(SYDNEY | {GPS.GPSLatitude: value})
    assert location is not None
    assert location.latitude == pytest.approx(-33.8688, abs=1e-6)


@pytest.mark.parametrize("reference", ["S", "s", "S\x00", " S ", b"S\x00"])
def test_hemispheres_are_read_as_cameras_pad_them(reference: Any) -> None:
    location = from_gps(SYDNEY | {GPS.GPSLatitudeRef: reference})
    assert location is not None
    assert location.latitude < 0


def test_no_gps_tags_are_no_location() -> None:
    assert from_gps({}) is None
    assert from_gps({GPS.GPSAltitude: 12.0}) is None


def test_exactly_zero_and_zero_is_what_cameras_without_a_fix_write() -> None:
    zero = (0.0, 0.0, 0.0)
    assert from_gps({GPS.GPSLatitude: zero, GPS.GPSLongitude: zero}) is None
    assert from_gps(SYDNEY | {GPS.GPSLatitude: zero, GPS.GPSLongitude: zero}) is None


def test_a_place_on_the_equator_is_a_place() -> None:
    location = from_gps(SYDNEY | {GPS.GPSLatitude: (0.0, 0.0, 0.0)})
    assert location is not None
    assert location.latitude == 0


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        ({GPS.GPSLatitude: (IFDRational(33, 0), 0.0, 0.0)}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: (IFDRational(0, 0), 0.0, 0.0)}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: (math.nan, 0.0, 0.0)}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: (math.inf, 0.0, 0.0)}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: "33.9"}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: ("33", "52", "7")}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: ()}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: (1, 2, 3, 4)}, "latitude is not made of numbers"),
        ({GPS.GPSLatitude: None}, "latitude is missing"),
        ({GPS.GPSLatitude: (91.0, 0.0, 0.0)}, "latitude is not between -90 and 90"),
        ({GPS.GPSLongitude: (181.0, 0.0, 0.0)}, "longitude is not between -180 and 180"),
        ({GPS.GPSLatitude: (-33.0, 0.0, 0.0)}, "latitude is out of range"),
        ({GPS.GPSLatitude: (33.0, 61.0, 0.0)}, "latitude is out of range"),
        ({GPS.GPSLatitudeRef: "X"}, "latitude does not say N or S"),
        ({GPS.GPSLatitudeRef: None}, "latitude does not say N or S"),
        ({GPS.GPSLongitudeRef: ""}, "longitude does not say E or W"),
        ({GPS.GPSLongitudeRef: 7}, "longitude does not say E or W"),
    ],
)
def test_what_is_no_place_is_told_with_what_to_do(tags: dict[int, Any], sentence: str) -> None:
    with pytest.raises(LocationInvalid, match=f"{sentence}.*; send lat and lon .* or location=none"):
        from_gps(SYDNEY | tags)


anything = st.recursive(
    st.none() | st.text(max_size=5) | st.binary(max_size=5) | st.integers() | st.floats() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner, inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([1, 2, 3, 4]), anything))
def test_any_tags_at_all_give_a_place_nothing_or_a_listed_error(tags: dict[int, Any]) -> None:
    try:
        location = from_gps(tags)
    except LocationInvalid:
        return
    assert location is None or (-90 <= location.latitude <= 90 and -180 <= location.longitude <= 180)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_decimal_text_is_read_as_it_is_written(latitude: float, longitude: float) -> None:
    location = from_request(f"{latitude:.6f}", f"{longitude:.6f}")
    assert location == Location(float(f"{latitude:.6f}"), float(f"{longitude:.6f}"), "request")


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_numbers_are_read_as_programs_write_them(latitude: float, longitude: float) -> None:
    # GIVEN numbers as Python and JavaScript print them, such as 5e-05 near the equator; WHEN read; THEN they stay
    assert from_request(repr(latitude), repr(longitude)) == Location(latitude, longitude, "request")


@pytest.mark.parametrize(("text", "value"), [("5e-05", 0.00005), ("1E1", 10), (".5", 0.5), ("-.5", -0.5), ("5.", 5)])
def test_short_and_scientific_numbers_are_numbers(text: str, value: float) -> None:
    assert from_request(text, "0") == Location(value, 0, "request")


def test_a_request_may_mean_zero_and_zero() -> None:
    assert from_request("0", "0") == Location(0, 0, "request")


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "1e", "e1", "1e1.5", "１２", "1_0", "0x10", "12.5.1", "north", "1234", "-", "."]
)
def test_text_that_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(LocationInvalid, match=r"lat is no decimal number of degrees; write it such as -33\.9"):
        from_request(text, "0")


@pytest.mark.parametrize("space", [" ", "\t", "\n", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u2003"])
def test_whatever_counts_as_space_around_a_number_is_no_part_of_it(space: str) -> None:
    assert from_request(f"{space}9{space}", f"8.5{space}") == Location(9, 8.5, "request")


def test_a_decimal_comma_is_told_apart() -> None:
    with pytest.raises(LocationInvalid, match="with a point, not a comma"):
        from_request("0", "151,2")


@given(st.text(), st.text())
def test_any_text_gives_a_place_or_a_listed_error(latitude: str, longitude: str) -> None:
    try:
        from_request(latitude, longitude)
    except LocationInvalid:
        return


def test_neither_repr_nor_errors_show_coordinates() -> None:
    assert "33" not in repr(from_request("-33.8688", "151.2093"))
    with pytest.raises(LocationInvalid) as caught:
        from_request("-133.8688", "151.2093")
    assert "133" not in str(caught.value)

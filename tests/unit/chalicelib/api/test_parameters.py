"""Parameters: what a request asks for, by query or form, and every way to get it wrong."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.parameters import IdentifyParams, expect_no_parameters, read_deep, read_identify_params, read_place
from chalicelib.errors import BadRequest, ClientError, LocationInvalid, LocationMissing
from chalicelib.location import Location

Query = dict[str, Sequence[str]]


def test_nothing_asked_gives_the_defaults() -> None:
    assert read_identify_params({}) == IdentifyParams(location=None, without_location=False, top=5)


def test_the_query_is_read() -> None:
    asked = read_identify_params({"lat": ["-33.9"], "lon": ["151.2"], "top": ["3"]})
    assert asked == IdentifyParams(Location(-33.9, 151.2, "request"), False, 3)


def test_form_fields_are_parameters_too() -> None:
    assert read_identify_params({"top": ["3"]}, {"lat": "-33.9", "lon": "151.2"}).location == Location(
        -33.9, 151.2, "request"
    )


def test_one_can_go_without_a_location() -> None:
    assert read_identify_params({"location": ["none"]}).without_location


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"lng": ["1"]}, "unknown parameter 'lng'; known are lat, lon, location, top"),
        ({"lat": ["1", "2"], "lon": ["1"]}, "parameter lat is given more than once"),
        ({"lat": ["1"]}, "lat and lon go together"),
        ({"lon": ["1"]}, "lat and lon go together"),
        ({"location": ["auto"]}, "location takes only the value 'none'"),
        ({"location": [""]}, "location takes only the value 'none'"),
        ({"location": ["none"], "lat": ["1"], "lon": ["1"]}, "location=none contradicts lat and lon"),
        ({"top": ["0"]}, "top is no whole number from 1 to 20"),
        ({"top": ["21"]}, "top is no whole number"),
        ({"top": ["99999999999999999999"]}, "top is no whole number"),
        ({"top": ["²"]}, "top is no whole number"),
        ({"top": ["many"]}, "top is no whole number"),
        ({"top": [""]}, "top is no whole number"),
    ],
)
def test_what_cannot_be_meant_is_told(query: Query, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read_identify_params(query)


def test_what_may_hold_coordinates_is_not_repeated() -> None:
    with pytest.raises(BadRequest, match="unknown parameter; known are") as caught:
        read_identify_params({"-33.8688,151.2093": [""]})
    assert "33" not in str(caught.value)


def test_the_same_parameter_in_query_and_form_is_once_too_often() -> None:
    with pytest.raises(BadRequest, match="top is given more than once"):
        read_identify_params({"top": ["3"]}, {"top": "3"})


def test_coordinates_that_are_no_place_are_another_error() -> None:
    with pytest.raises(LocationInvalid):
        read_identify_params({"lat": ["100"], "lon": ["0"]})


def test_a_place_must_be_named_where_it_is_needed() -> None:
    assert read_place({"lat": ["1"], "lon": ["2"]}) == Location(1, 2, "request")
    with pytest.raises(LocationMissing, match="say where"):
        read_place({})
    with pytest.raises(BadRequest, match="unknown parameter 'top'"):
        read_place({"top": ["1"]})


def test_deep_is_true_or_false() -> None:
    assert not read_deep({})
    assert read_deep({"deep": ["true"]})
    with pytest.raises(BadRequest, match="deep takes the values true and false"):
        read_deep({"deep": ["yes"]})


def test_a_path_without_parameters_takes_none() -> None:
    expect_no_parameters({})
    with pytest.raises(BadRequest, match="unknown parameter 'x'; this path takes none"):
        expect_no_parameters({"x": ["1"]})


names = st.sampled_from(["lat", "lon", "location", "top"]) | st.text(max_size=6)


@given(st.dictionaries(names, st.lists(st.text(max_size=8), min_size=1, max_size=2)), st.dictionaries(names, st.text()))
def test_any_parameters_give_an_asked_or_a_listed_error(query: Query, form: dict[str, str]) -> None:
    try:
        asked = read_identify_params(query, form)
    except ClientError:
        return
    assert 1 <= asked.top <= 20

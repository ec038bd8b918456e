"""Parameters in the query or the form: valid ones, and every kind of mistake."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.parameters import (
    IdentifyParams,
    expect_no_parameters,
    read_deep,
    read_identify_params,
    read_location,
)
from chalicelib.errors import BadRequest, ClientError, LocationInvalid, LocationMissing
from chalicelib.identification import IdentifyRequest
from chalicelib.location import Location

Query = dict[str, Sequence[str]]


HERE = IdentifyRequest(Location(-33.9, 151.2, "request"))


@pytest.mark.parametrize(
    ("query", "form", "expected"),
    [
        ({}, {}, IdentifyParams(IdentifyRequest(), top=5)),
        ({"lat": ["-33.9"], "lon": ["151.2"], "top": ["3"]}, {}, IdentifyParams(HERE, 3)),
        ({"top": ["3"]}, {"lat": "-33.9", "lon": "151.2"}, IdentifyParams(HERE, 3)),
        ({"boxes": ["true"]}, {}, IdentifyParams(IdentifyRequest(boxes=True))),
        ({"boxes": ["false"]}, {}, IdentifyParams(IdentifyRequest(boxes=False))),
        ({}, {"boxes": "true"}, IdentifyParams(IdentifyRequest(boxes=True))),
        ({"time": ["2026-07"]}, {}, IdentifyParams(IdentifyRequest(month=7))),
        ({"time": ["2026-07-14"]}, {}, IdentifyParams(IdentifyRequest(month=7))),
        ({"time": ["2026-07-14T09:30:00Z"]}, {}, IdentifyParams(IdentifyRequest(month=7))),
        ({"location": ["none"]}, {}, IdentifyParams(IdentifyRequest(place="ignored"))),
    ],
)
def test_query_and_form_fields_are_parameters(query: Query, form: dict[str, str], expected: IdentifyParams) -> None:
    assert read_identify_params(query, form) == expected


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"lng": ["1"]}, "unknown parameter 'lng'; supported: lat, lon, location, top, time, boxes"),
        ({"lat": ["1", "2"], "lon": ["1"]}, "parameter lat is sent more than once"),
        ({"lat": ["1"]}, "only one of lat and lon is present"),
        ({"lon": ["1"]}, "only one of lat and lon is present"),
        ({"location": ["auto"]}, "the only value of location is 'none'"),
        ({"location": [""]}, "the only value of location is 'none'"),
        ({"location": ["none"], "lat": ["1"], "lon": ["1"]}, "location=none contradicts lat and lon"),
        ({"top": ["0"]}, "top must be a whole number from 1 to 20"),
        ({"top": ["21"]}, "top must be a whole number"),
        ({"top": ["99999999999999999999"]}, "top must be a whole number"),
        ({"top": ["²"]}, "top must be a whole number"),
        ({"top": ["many"]}, "top must be a whole number"),
        ({"top": [""]}, "top must be a whole number"),
        ({"time": ["2026"]}, "time must begin with year and month"),
        ({"time": ["2026-13-01"]}, "time must begin with year and month"),
        ({"time": ["2026:07:14"]}, "time must begin with year and month"),
        ({"time": ["2026-07-14T\n"]}, "time must begin with year and month"),
        ({"boxes": ["1"]}, "boxes must be true or false"),
        ({"boxes": [""]}, "boxes must be true or false"),
        ({"lat": ["1\0"], "lon": ["2"]}, "parameter lat has a NUL character"),
    ],
)
def test_an_invalid_parameter_is_a_bad_request(query: Query, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read_identify_params(query)


def test_a_name_that_may_contain_coordinates_is_not_repeated() -> None:
    with pytest.raises(BadRequest, match="unknown parameter; supported:") as caught:
        read_identify_params({"-33.8688,151.2093": [""]})
    assert "33" not in str(caught.value)


def test_the_same_parameter_in_query_and_form_is_rejected() -> None:
    with pytest.raises(BadRequest, match="top is sent more than once"):
        read_identify_params({"top": ["3"]}, {"top": "3"})


def test_invalid_coordinates_have_their_own_error() -> None:
    with pytest.raises(LocationInvalid):
        read_identify_params({"lat": ["100"], "lon": ["0"]})


def test_a_required_location_may_not_be_missing() -> None:
    assert read_location({"lat": ["1"], "lon": ["2"]}) == Location(1, 2, "request")
    with pytest.raises(LocationMissing, match="lat and lon are missing"):
        read_location({})
    with pytest.raises(BadRequest, match="unknown parameter 'top'"):
        read_location({"top": ["1"]})


def test_deep_is_true_or_false() -> None:
    assert not read_deep({})
    assert read_deep({"deep": ["true"]})
    with pytest.raises(BadRequest, match="deep must be true or false"):
        read_deep({"deep": ["yes"]})


def test_a_path_without_parameters_rejects_all() -> None:
    expect_no_parameters({})
    with pytest.raises(BadRequest, match="unknown parameter 'x'; this path has no parameters"):
        expect_no_parameters({"x": ["1"]})


names = st.sampled_from(["lat", "lon", "location", "top"]) | st.text(max_size=6)


@given(st.dictionaries(names, st.lists(st.text(max_size=8), min_size=1, max_size=2)), st.dictionaries(names, st.text()))
def test_any_parameters_are_read_or_give_a_client_error(query: Query, form: dict[str, str]) -> None:
    try:
        params = read_identify_params(query, form)
    except ClientError:
        return
    assert 1 <= params.top <= 20

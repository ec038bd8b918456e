"""Parameters in the query or the form: valid ones, and every kind of mistake."""

from collections.abc import Callable, Sequence

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
from chalicelib.identify import IdentifyRequest
from chalicelib.location import Location

Query = dict[str, Sequence[str]]


HERE = IdentifyRequest(Location(-33.9, 151.2, "request"))


@pytest.mark.parametrize(
    ("query", "form", "expected"),
    [
        ({}, {}, IdentifyParams(IdentifyRequest(), top=5)),
        ({"lat": ["-33.9"], "lon": ["151.2"], "top": ["3"]}, {}, IdentifyParams(HERE, 3)),
        ({"top": ["3"]}, {"lat": "-33.9", "lon": "151.2"}, IdentifyParams(HERE, 3)),
        ({"boxes": ["false"]}, {}, IdentifyParams(IdentifyRequest(boxes=False))),
        ({}, {"boxes": "true"}, IdentifyParams(IdentifyRequest(boxes=True))),
        ({"time": ["2026-07"]}, {}, IdentifyParams(IdentifyRequest(month=7))),
        *(
            # a plus of a query that is not encoded arrives as a space
            ({"time": [f"2026-07-14{each}"]}, {}, IdentifyParams(IdentifyRequest(month=7)))
            for each in ("T09:30:00Z", "T09:30:00+02:00", "T09:30:00 02:00", " 09:30:00")
        ),
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
        *(
            ({"top": [each]}, "top must be a whole number from 1 to 20")
            for each in ("0", "21", "9" * 20, "²", "many", "")
        ),
        *(
            ({"time": [each]}, "time must begin with year and month")
            for each in ("2026", "2026-13-01", "2026:07:14", "2026-07-14T\n")
        ),
        *(({"boxes": [each]}, "boxes must be true or false") for each in ("1", "")),
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


@pytest.mark.parametrize(
    ("read", "query", "error", "sentence"),
    [
        (
            lambda query: read_identify_params(query, {"top": "3"}),
            {"top": ["3"]},
            BadRequest,
            "top is sent more than once",
        ),
        (read_identify_params, {"lat": ["100"], "lon": ["0"]}, LocationInvalid, "latitude is not between"),
        (read_location, {}, LocationMissing, "lat and lon are missing"),
        (read_location, {"top": ["1"]}, BadRequest, "unknown parameter 'top'"),
        (read_deep, {"deep": ["yes"]}, BadRequest, "deep must be true or false"),
        (expect_no_parameters, {"x": ["1"]}, BadRequest, "unknown parameter 'x'; this path has no parameters"),
    ],
)
def test_each_path_has_its_own_parameters(
    read: Callable[[Query], object], query: Query, error: type[ClientError], sentence: str
) -> None:
    assert read_location({"lat": ["1"], "lon": ["2"]}) == Location(1, 2, "request")
    assert (read_deep({}), read_deep({"deep": ["true"]})) == (False, True)
    with pytest.raises(error, match=sentence):
        read(query)


names = st.sampled_from(["lat", "lon", "location", "top"]) | st.text(max_size=6)


@given(st.dictionaries(names, st.lists(st.text(max_size=8), min_size=1, max_size=2)), st.dictionaries(names, st.text()))
def test_any_parameters_are_read_or_give_a_client_error(query: Query, form: dict[str, str]) -> None:
    try:
        params = read_identify_params(query, form)
    except ClientError:
        return
    assert 1 <= params.top <= 20

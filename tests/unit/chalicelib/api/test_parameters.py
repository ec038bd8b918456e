"""Parameters in the query or the form, and bodies with photos: valid ones, and every kind of mistake."""

import io
from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.parameters import (
    PHOTO_TYPES,
    FormParser,
    IdentifyParams,
    expect_no_parameters,
    read_body,
    read_deep,
    read_form,
    read_identify_params,
    read_location,
)
from chalicelib.errors import BadRequest, ClientError, LocationInvalid, LocationMissing, UnsupportedMediaType
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


def test_the_name_of_a_parameter_that_may_contain_coordinates_is_not_repeated() -> None:
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


OTHERS = ("image/jpg", "IMAGE/JPEG", "image/jpeg; charset=binary", "application/x-www-form-urlencoded")


@pytest.mark.parametrize("media_type", [*PHOTO_TYPES, *OTHERS])
def test_a_raw_photo_is_accepted_also_with_the_default_type_of_curl(media_type: str) -> None:
    assert read_body(b"bytes", media_type).photos == (b"bytes",)


@pytest.mark.parametrize(
    ("content_type", "sentence"),
    [
        ("text/plain", "Content-Type is 'text/plain'; send the photo as image/jpeg"),
        ("", "the Content-Type header is missing"),
    ],
)
def test_other_types_are_rejected_with_the_accepted_ones(content_type: str, sentence: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=sentence):
        read_body(b"bytes", content_type)


TYPE = "multipart/form-data; boundary=XyZ"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--XyZ\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XyZ--\r\n"


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (form(part("lat", b"1")), TYPE, "the form has no files in field 'photo'; send one photo"),
        (
            form(*[part("photo", b"x", "a")] * 6),
            TYPE,
            "6 files in field 'photo'; send one photo, or up to 5 of the same",
        ),
        (form(part("file", b"x", "a.jpg")), TYPE, "form field 'file' is a file; send the photo in field 'photo'"),
        (form(part("photo", b"x"), *[part("lat", b"1")] * 2), TYPE, "form field 'lat' is sent more than once"),
        # what is not finished is refused before it fills the memory
        (part("top", b"1" * 1001) + b"--XyZ", TYPE, "form field 'top' is longer than 1000 bytes"),
        # bytes of the form are not repeated
        (
            form(b"--XyZ\r\nContent-Type: \xff\r\n\r\nx\r\n"),
            TYPE,
            r"malformed \(Segment header failed to decode\); send",
        ),
        (form(part("photo", b"x"), part("lat", b"\xff")), TYPE, "form field 'lat' is not valid UTF-8"),
        (form(part("photo", b"x")), "multipart/form-data", "has no boundary"),
        (form(part("photo", b"x")), "multipart/form-data; boundary=other", "the form is malformed"),
        *((data, TYPE, "the form is malformed") for data in (part("photo", b"x"), b"", b"hello")),
        (form(*(part(f"f{number}", b"x") for number in range(20))), TYPE, "the form is malformed"),
    ],
)
def test_an_invalid_form_is_a_bad_request(body: bytes, content_type: str, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read_form(body, content_type)


@pytest.mark.parametrize("name", ["48.137,11.575", "lat=48.137", "48.137 north", "x" * 41])
def test_a_name_that_may_contain_coordinates_is_not_repeated(name: str) -> None:
    # GIVEN a field of such a name that is a file, repeated, or invalid UTF-8; WHEN the form is rejected
    for fields in ([part(name, b"1", "a.jpg")], [part(name, b"1")] * 2, [part(name, b"\xff")]):
        with pytest.raises(BadRequest, match=r"^a form field is ") as caught:
            read_form(form(part("photo", b"x"), *fields), TYPE)
        # THEN the error does not contain the name
        assert name[:6] not in str(caught.value)


@pytest.mark.parametrize("charset", [b"nope", b"hex", b"undefined", b"unicode_escape", b'"a\x00b"', b"x" * 200])
def test_the_charset_that_a_field_claims_does_not_matter(charset: bytes) -> None:
    # GIVEN a field in a charset that Python does not know, or that is not a text encoding
    field = part("lat", b"1").replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=" + charset + b"\r\n\r\n")
    # WHEN the form is read; THEN it is read as UTF-8
    assert read_form(form(part("photo", b"x"), field), TYPE).fields == {"lat": "1"}


@given(st.text(max_size=30))
def test_any_boundary_gives_a_form_or_a_listed_error(boundary: str) -> None:
    with suppress(BadRequest):
        read_form(form(part("photo", b"x")), f"multipart/form-data; boundary={boundary}")


def test_a_form_that_arrives_in_small_parts_is_the_same() -> None:
    # GIVEN a form with a photo and a field
    body = form(part("photo", b"\r\n--almost"), part("top", b"3"))
    for size in (1, 2, 7, len(body)):
        # WHEN it arrives in parts of some size THEN fields and photo are those that were sent
        parser = FormParser(TYPE, io.BytesIO)
        for start in range(0, len(body), size):
            parser.feed(body[start : start + size])
        assert parser.finish() == {"top": "3"}
        assert [each.getvalue() for each in parser.photos] == [b"\r\n--almost"]

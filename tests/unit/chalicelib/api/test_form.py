"""Forms: one photo and its fields, or a sentence about what is broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.api.form import read_form
from chalicelib.errors import BadRequest

TYPE = "multipart/form-data; boundary=XyZ"


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    return f'--XyZ\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XyZ--\r\n"


def test_a_photo_and_fields_are_read() -> None:
    # GIVEN a form as browsers send it; WHEN read
    read = read_form(form(part("photo", b"\xff\xd8\x00\r\n--Xy", "a.jpg"), part("lat", b"-33.9")), TYPE)
    # THEN the photo's bytes are untouched and the field is text
    assert read.photo == b"\xff\xd8\x00\r\n--Xy"
    assert read.fields == {"lat": "-33.9"}


def test_a_large_photo_stays_in_memory_and_whole() -> None:
    photo = bytes(range(256)) * 8_000
    assert read_form(form(part("photo", photo, "a.jpg")), TYPE).photo == photo


def test_a_photo_without_a_file_name_is_a_photo() -> None:
    assert read_form(form(part("photo", b"x")), TYPE).photo == b"x"


@pytest.mark.parametrize(
    ("body", "content_type", "sentence"),
    [
        (form(part("lat", b"1")), TYPE, "exactly one file in field 'photo'; it has none"),
        (form(), TYPE, "exactly one file in field 'photo'; it has none|the form is broken"),
        (form(part("photo", b"x", "a"), part("photo", b"y", "b")), TYPE, "it has 2 of them"),
        (form(part("file", b"x", "a.jpg")), TYPE, "form field 'file' is a file; the photo goes into field 'photo'"),
        (
            form(part("photo", b"x"), part("lat", b"1"), part("lat", b"2")),
            TYPE,
            "form field 'lat' is given more than once",
        ),
        (form(part("photo", b"x"), part("lat", b"\xff")), TYPE, "form field 'lat' is no text in UTF-8"),
        (form(part("photo", b"x")), "multipart/form-data", "names no boundary"),
        (form(part("photo", b"x")), "multipart/form-data; boundary=other", "the form is broken"),
        (part("photo", b"x"), TYPE, "the form is broken"),
        (b"", TYPE, "the form is broken"),
        (b"hello", TYPE, "the form is broken"),
    ],
)
def test_a_form_that_is_not_as_it_should_be_is_told(body: bytes, content_type: str, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        read_form(body, content_type)


@pytest.mark.parametrize("name", ["48.137,11.575", "lat=48.137", "48.137 north", "x" * 41])
def test_a_name_that_may_hold_coordinates_is_not_repeated(name: str) -> None:
    # GIVEN a field of such a name that is a file, twice there, or no text; WHEN the form is refused
    for fields in ([part(name, b"1", "a.jpg")], [part(name, b"1")] * 2, [part(name, b"\xff")]):
        with pytest.raises(BadRequest, match=r"^a form field is ") as caught:
            read_form(form(part("photo", b"x"), *fields), TYPE)
        # THEN by words that do not have it
        assert name[:6] not in str(caught.value)


def test_a_header_of_a_part_that_is_no_text_is_told_without_what_it_holds() -> None:
    with pytest.raises(BadRequest, match=r"the form is broken \(Segment header failed to decode\); send it"):
        read_form(form(b"--XyZ\r\nContent-Type: \xff\r\n\r\nx\r\n"), TYPE)


@pytest.mark.parametrize("charset", [b"nope", b"hex", b"undefined", b"unicode_escape", b'"a\x00b"', b"x" * 200])
def test_the_charset_that_a_field_claims_does_not_matter(charset: bytes) -> None:
    # GIVEN a field in a charset that Python does not have, or has for other things than text
    field = part("lat", b"1").replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=" + charset + b"\r\n\r\n")
    # WHEN the form is read; THEN it is read as UTF-8
    assert read_form(form(part("photo", b"x"), field), TYPE).fields == {"lat": "1"}


def test_more_parts_than_a_form_of_ours_has_are_refused() -> None:
    with pytest.raises(BadRequest, match="the form is broken"):
        read_form(form(*(part(f"f{number}", b"x") for number in range(20))), TYPE)


@given(st.binary(max_size=300), st.text(max_size=30))
def test_any_bytes_give_a_form_or_a_listed_error(body: bytes, boundary: str) -> None:
    for content_type in (TYPE, f"multipart/form-data; boundary={boundary}"):
        for data in (body, part("photo", body, "a"), form(part("photo", b"x"), body)):
            try:
                read_form(data, content_type)
            except BadRequest:
                continue

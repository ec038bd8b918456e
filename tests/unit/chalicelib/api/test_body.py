"""Bodies: photos as they are or in a form, under types that reach us undamaged."""

import pytest

from chalicelib.api.body import PHOTO_TYPES, read_body
from chalicelib.errors import BadRequest, UnsupportedMediaType


@pytest.mark.parametrize("media_type", [*PHOTO_TYPES, "image/jpg", "IMAGE/JPEG", "image/jpeg; charset=binary"])
def test_a_photo_is_taken_as_it_is(media_type: str) -> None:
    assert read_body(b"bytes", media_type).photo == b"bytes"


def test_what_curl_says_by_itself_is_taken_too() -> None:
    assert read_body(b"bytes", "application/x-www-form-urlencoded").photo == b"bytes"


def test_a_form_is_read_as_a_form() -> None:
    with pytest.raises(BadRequest, match="names no boundary"):
        read_body(b"bytes", "multipart/form-data")


@pytest.mark.parametrize(
    ("content_type", "sentence"),
    [
        ("text/plain", "Content-Type is 'text/plain'; send the photo as image/jpeg"),
        ("application/json", "Content-Type is 'application/json'"),
        ("", "there is no Content-Type"),
    ],
)
def test_other_types_are_told_what_to_send(content_type: str, sentence: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=sentence):
        read_body(b"bytes", content_type)

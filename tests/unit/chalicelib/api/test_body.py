"""Bodies: raw photos and forms, with content types that API Gateway passes on as bytes."""

import pytest

from chalicelib.api.body import PHOTO_TYPES, read_body
from chalicelib.errors import BadRequest, UnsupportedMediaType


@pytest.mark.parametrize("media_type", [*PHOTO_TYPES, "image/jpg", "IMAGE/JPEG", "image/jpeg; charset=binary"])
def test_a_raw_photo_is_accepted(media_type: str) -> None:
    assert read_body(b"bytes", media_type).photos == (b"bytes",)


def test_the_default_type_of_curl_is_accepted() -> None:
    assert read_body(b"bytes", "application/x-www-form-urlencoded").photos == (b"bytes",)


def test_a_form_is_read_as_a_form() -> None:
    with pytest.raises(BadRequest, match="has no boundary"):
        read_body(b"bytes", "multipart/form-data")


@pytest.mark.parametrize(
    ("content_type", "sentence"),
    [
        ("text/plain", "Content-Type is 'text/plain'; send the photo as image/jpeg"),
        ("application/json", "Content-Type is 'application/json'"),
        ("", "the Content-Type header is missing"),
    ],
)
def test_other_types_are_rejected_with_the_accepted_ones(content_type: str, sentence: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=sentence):
        read_body(b"bytes", content_type)

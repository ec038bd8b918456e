"""Thumbnails: small, upright, and without EXIF."""

import io

import pytest
from PIL import Image

from chalicelib.photo.decode import Limits
from testing.pictures import SYDNEY, encoded, exif, jpeg, noise
from web.results import thumbnail as module
from web.results.thumbnail import SIDE, thumbnail


def test_it_is_a_small_square_without_exif() -> None:
    photo = jpeg(exif=exif(SYDNEY))
    made = thumbnail(lambda: photo, Limits())
    assert made is not None
    image = Image.open(io.BytesIO(made))
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (SIDE, SIDE), {})
    assert b"Exif" not in made
    assert len(made) < 100_000


@pytest.mark.parametrize("photo", [b"", b"hello", jpeg()[:2000]])
def test_a_photo_that_cannot_be_decoded_has_none(photo: bytes) -> None:
    assert thumbnail(lambda: photo, Limits()) is None


def test_a_photo_that_takes_too_much_memory_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = encoded(noise(400, 304), "PNG")
    assert thumbnail(lambda: photo, Limits()) is not None
    monkeypatch.setattr(module, "MOST_DECODE_BYTES", 1000)
    assert thumbnail(lambda: photo, Limits()) is None

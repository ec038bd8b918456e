"""Thumbnails: small, upright, and without EXIF."""

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
from PIL import Image

from chalicelib.config.settings import PhotoLimits
from faunalens.web.results import routes as module
from faunalens.web.results.routes import SIDE, thumbnail, wants_picture
from tests.support.pictures import SYDNEY, encoded, exif, jpeg, noise


def test_it_is_small_and_upright_and_has_no_exif() -> None:
    # GIVEN a photo that lies on its side
    photo = jpeg(800, 600, exif=exif(SYDNEY, orientation=6))
    made = thumbnail(lambda: photo, PhotoLimits())
    assert made is not None
    image = Image.open(io.BytesIO(made))
    assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (SIDE * 3 // 4, SIDE), {})
    assert b"Exif" not in made
    assert len(made) < 100_000


def test_it_shows_the_edges_where_animals_often_are() -> None:
    # GIVEN a wide photo with something red at its right edge
    wide = Image.new("RGB", (1200, 600), "white")
    wide.paste("red", (1100, 0, 1200, 600))
    made = thumbnail(lambda: encoded(wide, "PNG"), PhotoLimits())
    assert made is not None
    # THEN the thumbnail has it too
    red, green, _ = Image.open(io.BytesIO(made)).getpixel((SIDE - 5, 100))  # type: ignore[misc]
    assert red > 200 > 100 > green


def test_a_photo_behind_slow_ones_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a photo that is being decoded
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.01, raising=False)
    monkeypatch.setattr(module, "one_at_a_time", lock := Lock())
    with ThreadPoolExecutor(1) as other, lock:
        # WHEN another comes THEN its answer does not wait for long
        assert other.submit(thumbnail, jpeg, PhotoLimits()).result(5) is None
    assert thumbnail(jpeg, PhotoLimits()) is not None


def test_a_photo_that_cannot_be_decoded_or_takes_too_much_memory_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for broken in (b"", b"hello", jpeg()[:2000]):
        assert thumbnail(lambda broken=broken: broken, PhotoLimits()) is None  # type: ignore[misc]
    photo = encoded(noise(400, 304), "PNG")
    assert thumbnail(lambda: photo, PhotoLimits()) is not None
    monkeypatch.setattr(module, "MOST_DECODE_BYTES", 1000)
    assert thumbnail(lambda: photo, PhotoLimits()) is None


def test_a_picture_with_people_is_kept_only_if_that_was_confirmed() -> None:
    person: dict[str, Any] = {"subject": "person"}
    found = [person | {"subject": "animal", "people": each} for each in (None, {"count": 0}, {"count": 2})]
    two = found[-1]
    assert [wants_picture("true", each) for each in (*found, person)] == [True, True, False, False]
    assert [wants_picture(keep, {**person, **two}) for keep in ("picture", "answer")] == [True, False]

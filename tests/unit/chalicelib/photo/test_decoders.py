"""Decoders stop at the time limit of their file."""

import time

import pytest

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo.decode import open_photo
from chalicelib.photo.decoders import TimedFile
from testing.pictures import encoded, jpeg, noise, scene


def test_a_file_can_be_read_until_its_time_is_over() -> None:
    file = TimedFile(b"photo", 0.05)
    assert file.read(2) == b"ph"
    time.sleep(0.06)
    with pytest.raises(PhotoUnreadable, match=r"takes more than 0\.05 s to decode; save it again"):
        file.read(1)


def test_restarting_the_clock_allows_reading_again() -> None:
    file = TimedFile(b"photo", 0.05)
    time.sleep(0.06)
    file.restart_clock()
    assert file.read() == b"photo"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_decoding_stops_after_the_time_limit(kind: str) -> None:
    # GIVEN a photo that is decoded at full resolution for a large model, in 30 ms or more
    data = encoded(noise(1600, 1200), kind, **({"progressive": True, "quality": 95} if kind == "JPEG" else {}))
    photo = open_photo(data, PhotoLimits(max_seconds=0.01))
    # WHEN decoded in 10 ms THEN it stops with an error for the client
    with pytest.raises(PhotoUnreadable, match="takes more than"):
        photo.pixels(1200)


def test_the_time_between_opening_and_decoding_does_not_count() -> None:
    photo = open_photo(jpeg(), PhotoLimits(max_seconds=0.05))
    time.sleep(0.06)
    assert photo.pixels(64).shape == (64, 64, 3)


def test_a_closed_photo_has_no_pixels() -> None:
    photo = open_photo(encoded(scene(), "PNG"), PhotoLimits())
    photo.close()
    photo.close()
    with pytest.raises(ValueError, match="closed"):
        photo.pixels(64)
    assert photo.width == 400

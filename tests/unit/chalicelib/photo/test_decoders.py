"""Decoders stop at the time limit of their file."""

from collections.abc import Callable

import pytest

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo import formats
from chalicelib.photo.decode import open_photo
from chalicelib.photo.formats import TimedFile
from tests.support.pictures import encoded, jpeg, noise, scene


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let time pass for decoders."""
    now = [100.0]
    monkeypatch.setattr(formats, "monotonic", lambda: now[0])
    return lambda seconds: now.append(now.pop() + seconds)


def test_a_file_can_be_read_until_its_time_is_over(wait: Callable[[float], None]) -> None:
    file = TimedFile(b"photo", 0.5)
    wait(0.4)
    assert file.read(2) == b"ph"
    wait(0.2)
    with pytest.raises(PhotoUnreadable, match=r"takes more than 0\.5 s to decode; save it again"):
        file.read(1)
    # AND once the clock starts again, it can be read again
    file.restart_clock()
    assert file.read() == b"oto"


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_decoding_stops_after_the_time_limit(kind: str) -> None:
    # GIVEN a photo that is decoded at full resolution for a large model, in 30 ms or more
    data = encoded(noise(1600, 1200), kind, **({"progressive": True, "quality": 95} if kind == "JPEG" else {}))
    # WHEN opened and decoded in 10 ms THEN it stops with an error for the client
    with pytest.raises(PhotoUnreadable, match="takes more than"):
        open_photo(data, PhotoLimits(max_seconds=0.01)).pixels(1200)


def test_the_time_between_opening_and_decoding_does_not_count(wait: Callable[[float], None]) -> None:
    photo = open_photo(jpeg(), PhotoLimits(max_seconds=5))
    wait(60)
    assert photo.pixels(64).shape == (64, 64, 3)


def test_a_closed_photo_has_no_pixels() -> None:
    photo = open_photo(encoded(scene(), "PNG"), PhotoLimits())
    photo.close()
    photo.close()
    with pytest.raises(ValueError, match="closed"):
        photo.pixels(64)
    assert photo.width == 400

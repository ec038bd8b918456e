"""The parts of a photo that models see: upright, inside of the photo, and cut from one decoded image."""

import weakref
from contextlib import suppress
from unittest.mock import Mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoUnreadable
from chalicelib.photo import photos
from chalicelib.photo.exif import TRANSPOSE_TO_UPRIGHT
from chalicelib.photo.memory import DecodeMemory
from chalicelib.photo.photos import open_photo
from chalicelib.photo.pixels import FEWEST_PIXELS, Area, Picture, Quality, crop_share, quality_of
from tests.support.pictures import BLUE, GREEN, GREY, RED, encoded, exif, jpeg, scene

QUARTERS = {
    RED: Area(0.1, 0.1, 0.4, 0.4),
    GREEN: Area(0.6, 0.1, 0.9, 0.4),
    BLUE: Area(0.1, 0.6, 0.4, 0.9),
    GREY: Area(0.6, 0.6, 0.9, 0.9),
}
sides = st.floats(0, 1, allow_subnormal=False)
sizes = st.integers(1, 90)


def picture(orientation: int = 1, width: int = 400, height: int = 300) -> Picture:
    """Return the scene, as a camera that was held in some way stores it."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    turn = TRANSPOSE_TO_UPRIGHT.get(inverse)
    return Picture(scene(width, height) if turn is None else scene(width, height).transpose(turn), orientation)


def assert_colour(pixels: NDArray[np.uint8], colour: tuple[int, int, int]) -> None:
    assert np.abs(pixels.astype(int) - colour).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_parts_are_upright(orientation: int) -> None:
    # GIVEN the scene, stored in some orientation
    stored = picture(orientation)
    assert (stored.width, stored.height) == (400, 300)
    # WHEN all of it is seen THEN it is upright and keeps its proportions
    whole = stored.whole(80)
    assert whole.shape == (60, 80, 3)
    assert picture(orientation, 300, 1).whole(80).shape == (1, 80, 3)  # however narrow
    for at, colour in (((5, 5), RED), ((5, -5), GREEN), ((-5, 5), BLUE), ((-5, -5), GREY)):
        assert_colour(whole[at], colour)
    # AND an area of the upright photo is the same in each orientation
    for colour, area in QUARTERS.items():
        assert_colour(stored.around(area, 16), colour)
    assert np.array_equal(stored.square(64)[:8, :8], picture().square(64)[:8, :8])


def test_the_square_around_an_area_has_its_longer_side() -> None:
    # GIVEN a white photo with a black square of 100 px
    image = Image.new("RGB", (400, 300), "white")
    image.paste("black", (200, 100, 300, 200))
    # WHEN a model sees a low and wide area in it; THEN it sees the whole square, undistorted
    part = Picture(image).around(Area(0.5, 0.45, 0.75, 0.55), 50)
    assert part.max() < 40  # bicubic resizing looks a little beyond its area
    # AND at the photo's border the square is moved inside
    assert Picture(image).around(Area(0.9, 0.0, 1.0, 1.0), 50).shape == (50, 50, 3)


def test_a_part_is_around_a_point_of_the_square_and_inside_the_photo() -> None:
    # GIVEN a white photo that is black where the right half of the models' square begins, at its upper side
    image = Image.new("RGB", (400, 300), "white")
    image.paste("black", (190, 0, 310, 110))
    part = Picture(image).near(0.5 + 50 / (300 * crop_share(60)), 0.0, 1 / 3, 60)
    assert part.shape == (60, 60, 3)
    assert part.max() < 40


@given(sides, sides, sides, sides, st.integers(1, 8), sizes, sizes)
def test_every_area_gives_a_square(a: float, b: float, c: float, d: float, orientation: int, w: int, h: int) -> None:
    # GIVEN any area of a photo of any size, even an empty one; THEN it gives pixels and no error
    area = Area(min(a, b), min(c, d), max(a, b), max(c, d))
    assert picture(orientation, w, h).around(area, 8).shape == (8, 8, 3)


def test_a_photo_is_decoded_once_for_all_parts() -> None:
    # GIVEN a photo that is decoded
    photo = open_photo(jpeg(exif=exif(orientation=6)), PhotoLimits())
    decoded = photo.decode(64)
    # THEN all parts come from it although the file is closed, and the square is that of `pixels`
    assert decoded.whole(40).shape == (40, 30, 3)
    again = open_photo(jpeg(exif=exif(orientation=6)), PhotoLimits())
    assert np.array_equal(decoded.square(64), again.pixels(64))
    with pytest.raises(ValueError, match="the photo is closed"):
        photo.decode(64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "HEIF", "WEBP"])
def test_a_closed_photo_keeps_no_pixels(kind: str) -> None:
    # GIVEN a photo that has been decoded, which the record of its request keeps
    photo = open_photo(encoded(scene(), kind), PhotoLimits())
    decoded = weakref.ref(photo.decode(64)._image)
    # THEN its pixels are free when no one sees parts of it any more
    assert decoded() is None
    assert (photo.width, photo.height) == (400, 300)
    with pytest.raises(ValueError, match="the photo is closed"):
        photo.decode_bytes(64)


@pytest.mark.parametrize("is_opened", [True, False], ids=["no longer needed", "another cannot be opened"])
def test_photos_of_a_request_are_closed_however_it_ends(monkeypatch: pytest.MonkeyPatch, is_opened: bool) -> None:
    first, second = (open_photo(jpeg(), PhotoLimits()) for _ in range(2))
    results = [first, second if is_opened else PhotoUnreadable("it is damaged")]
    monkeypatch.setattr(photos, "open_photo", Mock(side_effect=results))
    with suppress(PhotoUnreadable), photos.Photos(PhotoLimits(), DecodeMemory(10**9, 1.0), 64).open([b"", b""]):
        assert second.decode_bytes(64)  # still open
    for each in (first, second) if is_opened else (first,):
        with pytest.raises(ValueError, match="the photo is closed"):
            each.decode_bytes(64)


@pytest.mark.parametrize(("side", "reduced"), [(64, 64), (400, 80)])
def test_a_large_picture_is_reduced_before_it_is_kept(side: int, reduced: int) -> None:
    # 400 pixels are five times the 80 that a square of 8 pixels needs
    assert Picture(Image.new("RGB", (side, side))).reduced(8).width == reduced


SIDE = 260


def colourful() -> NDArray[np.uint8]:
    """Return an image of small coloured squares."""
    squares = np.random.default_rng(1).integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
    return np.repeat(np.repeat(squares, 4, axis=0), 4, axis=1)


DARK = (colourful() * 0.2).astype(np.uint8)
BLURRED = np.asarray(Image.fromarray(colourful()).filter(ImageFilter.GaussianBlur(6)))
INFRARED = np.asarray(Image.fromarray(colourful()).convert("L").convert("RGB"))


@pytest.mark.parametrize(
    ("image", "dark", "soft", "grey"),
    [
        (colourful(), False, False, False),
        (DARK, True, False, False),
        (BLURRED, False, True, False),
        (INFRARED, False, False, True),
        (np.full((SIDE, SIDE, 3), 200, np.uint8), False, True, True),
    ],
    ids=["sharp and coloured", "dark", "blurred", "by infrared light", "without detail"],
)
def test_a_photo_has_its_own_faults_alone(image: NDArray[np.uint8], dark: bool, soft: bool, grey: bool) -> None:
    assert quality_of(image, 800) == Quality(800, is_dark=dark, is_soft=soft, is_infrared=grey)
    # AND so has a part of it that is as small as the image of a tiny model
    thumbnails = [quality_of(image[:8, :8], pixels).is_small for pixels in (FEWEST_PIXELS - 1, FEWEST_PIXELS)]
    assert thumbnails == [True, False]

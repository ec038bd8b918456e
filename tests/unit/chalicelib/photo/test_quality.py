"""The quality of a photo: small, dark, soft, grey."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from chalicelib.photo.quality import DARKEST, FEWEST_PIXELS, GREYEST, Quality, measures_of, quality_of

SIDE = 260


def colourful() -> NDArray[np.uint8]:
    """Return an image of small coloured squares."""
    squares = np.random.default_rng(1).integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
    return np.repeat(np.repeat(squares, 4, axis=0), 4, axis=1)


def test_a_sharp_coloured_photo_has_no_faults() -> None:
    quality = quality_of(colourful(), 800)
    assert quality == Quality(800, is_dark=False, is_soft=False, is_grey=False)
    assert not quality.is_small


def test_a_dark_photo_is_dark_only() -> None:
    dark = (colourful() * 0.2).astype(np.uint8)
    assert measures_of(dark)[0] < DARKEST
    assert quality_of(dark, 800) == Quality(800, is_dark=True, is_soft=False, is_grey=False)


def test_a_blurred_photo_is_soft_only() -> None:
    blurred = np.asarray(Image.fromarray(colourful()).filter(ImageFilter.GaussianBlur(6)))
    assert quality_of(blurred, 800) == Quality(800, is_dark=False, is_soft=True, is_grey=False)


def test_a_photo_by_infrared_light_is_grey_only() -> None:
    grey = np.asarray(Image.fromarray(colourful()).convert("L").convert("RGB"))
    assert measures_of(grey)[2] < GREYEST
    assert quality_of(grey, 800) == Quality(800, is_dark=False, is_soft=False, is_grey=True)


def test_a_photo_without_detail_is_soft() -> None:
    assert quality_of(np.full((SIDE, SIDE, 3), 200, np.uint8), 800).is_soft


@pytest.mark.parametrize(("pixels", "small"), [(FEWEST_PIXELS - 1, True), (FEWEST_PIXELS, False)])
def test_a_thumbnail_is_small(pixels: int, small: bool) -> None:
    assert quality_of(colourful(), pixels).is_small == small


def test_an_image_of_any_size_has_a_quality() -> None:
    # GIVEN the 8 pixels of a tiny model
    assert quality_of(colourful()[:8, :8], 8).is_small

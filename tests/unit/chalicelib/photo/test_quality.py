"""The quality of a photo: small, dark, soft, grey."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from chalicelib.photo.quality import FEWEST_PIXELS, Quality, quality_of

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
    ],
    ids=["sharp and coloured", "dark", "blurred", "by infrared light"],
)
def test_a_photo_has_its_own_fault_alone(image: NDArray[np.uint8], dark: bool, soft: bool, grey: bool) -> None:
    assert quality_of(image, 800) == Quality(800, is_dark=dark, is_soft=soft, is_grey=grey)


def test_a_photo_without_detail_is_soft() -> None:
    assert quality_of(np.full((SIDE, SIDE, 3), 200, np.uint8), 800).is_soft


@pytest.mark.parametrize(("pixels", "small"), [(FEWEST_PIXELS - 1, True), (FEWEST_PIXELS, False)])
def test_a_thumbnail_is_small(pixels: int, small: bool) -> None:
    assert quality_of(colourful(), pixels).is_small == small


def test_an_image_of_any_size_has_a_quality() -> None:
    # GIVEN the 8 pixels of a tiny model
    assert quality_of(colourful()[:8, :8], 8).is_small

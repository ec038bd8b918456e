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
        (np.full((SIDE, SIDE, 3), 200, np.uint8), False, True, True),
    ],
    ids=["sharp and coloured", "dark", "blurred", "by infrared light", "without detail"],
)
def test_a_photo_has_its_own_faults_alone(image: NDArray[np.uint8], dark: bool, soft: bool, grey: bool) -> None:
    assert quality_of(image, 800) == Quality(800, is_dark=dark, is_soft=soft, is_infrared=grey)
    # AND so has a part of it that is as small as the image of a tiny model
    thumbnails = [quality_of(image[:8, :8], pixels).is_small for pixels in (FEWEST_PIXELS - 1, FEWEST_PIXELS)]
    assert thumbnails == [True, False]

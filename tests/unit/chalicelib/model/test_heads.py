"""Heads: what they see of an animal's box."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from chalicelib.model.detector import Box
from chalicelib.model.heads import WIDTHS, head_crops, stretched
from chalicelib.photo.pixels import Picture

SIZE = 16
SHARES = st.floats(0, 1)


def _half_dark(width: int = 120, height: int = 80) -> Picture:
    """Return a photo whose left half is darker than its right half, both faint."""
    pixels = np.full((height, width, 3), 100, np.uint8)
    pixels[:, width // 2 :] = 140
    return Picture(Image.fromarray(pixels))


def test_a_head_sees_each_square_plain_mirrored_with_more_contrast_and_both() -> None:
    # GIVEN a faint photo, and a box in its middle
    picture, box = _half_dark(), Box(0.4, 0.4, 0.2, 0.2, 0.9, "animal")
    # WHEN its crops are made
    crops = head_crops(picture, box, SIZE)
    # THEN there are four of each width
    assert len(crops) == 4 * len(WIDTHS)
    for plain, mirrored, clear, both in zip(*[iter(crops)] * 4, strict=True):
        assert plain[:, 0].max() < 110 < 130 < plain[:, -1].min()
        assert np.array_equal(mirrored, plain[:, ::-1])
        assert clear[:, 0].max() < 10 < 245 < clear[:, -1].min()
        assert np.array_equal(both, clear[:, ::-1])


@given(x=SHARES, y=SHARES, width=SHARES, height=SHARES)
def test_every_box_has_crops_inside_of_the_photo(x: float, y: float, width: float, height: float) -> None:
    # GIVEN any box, even one without an area or at the border; WHEN its crops are made
    crops = head_crops(_half_dark(), Box(x, y, width * (1 - x), height * (1 - y), 0.5, "animal"), SIZE)
    # THEN each is an image of the general model
    assert all(crop.shape == (SIZE, SIZE, 3) and crop.dtype == np.uint8 for crop in crops)


def test_a_square_without_contrast_stays_as_it_is() -> None:
    flat = np.full((SIZE, SIZE, 3), 7, np.uint8)
    assert np.array_equal(stretched(flat), flat)

"""Heads: small classifiers of what the general model sees in an animal's box, trained on one's own photos."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.model.detector import Box
from chalicelib.photo.pixels import Area, Picture

WIDTHS: Final = (1.2, 1.0, 1.6)
"""Sides of the squares that a head sees, in longer sides of the box: with some ground, and with more of it."""
DARK, BRIGHT = 2, 98
"""Percentiles of a square's brightness that become black and white: what infrared light shows is often faint."""
_STEP = 4
"""Pixels between those that are looked at for them."""


def head_crops(picture: Picture, box: Box, size: int) -> tuple[NDArray[np.uint8], ...]:
    """Return what a head sees of an animal, in training and in use: squares of shape (size, size, 3), uint8, RGB.

    Of each width there is one as it is, mirrored, with more contrast, and both.
    """
    crops: list[NDArray[np.uint8]] = []
    for width in WIDTHS:
        plain = picture.around(_square_around(box, picture, width), size)
        clear = stretched(plain)
        crops += plain, plain[:, ::-1], clear, clear[:, ::-1]
    return tuple(map(np.ascontiguousarray, crops))


def stretched(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a square whose contrast fills the range from black to white; one without any as it is."""
    dark, bright = np.percentile(crop[::_STEP, ::_STEP], (DARK, BRIGHT))
    if dark == bright:
        return crop
    clear: NDArray[np.floating] = (crop - dark) * (255 / (bright - dark))
    return clear.clip(0, 255).astype(np.uint8)


def _square_around(box: Box, picture: Picture, width: float) -> Area:
    """Return the square around a box. `width`: its side in longer sides of the box. It may reach out of the photo."""
    half = max(box.width * picture.width, box.height * picture.height) * width / 2
    x, y, across, down = box.x + box.width / 2, box.y + box.height / 2, half / picture.width, half / picture.height
    return Area(x - across, y - down, x + across, y + down)

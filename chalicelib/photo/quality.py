"""The quality of a photo, as far as it explains why an animal is hard to recognise. No I/O."""

from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

FEWEST_PIXELS: Final = 150
"""A shorter side in pixels below which a photo is a thumbnail."""
DARKEST: Final = 40.0
"""Mean brightness, 0 to 255, below which a photo is dark."""
SOFTEST: Final = 0.05
"""Share of fine detail in the contrast below which a photo is soft."""
GREYEST: Final = 3.0
"""Mean difference between the largest and the smallest colour channel, below which a photo is grey.

docs/explanation/results.md names the program that fitted the last three."""
_STEP = 4
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114


class Quality(NamedTuple):
    """What is wrong with a photo. `pixels`: its shorter side. `is_infrared`: colourless, as infrared photos are."""

    pixels: int
    is_dark: bool
    is_soft: bool
    is_infrared: bool

    @property
    def is_small(self) -> bool:
        """Return whether the photo is a thumbnail."""
        return self.pixels < FEWEST_PIXELS

    @property
    def is_by_night(self) -> bool:
        """Return whether the photo looks as if taken by night."""
        return self.is_infrared or self.is_dark


def quality_of(square: NDArray[np.uint8], pixels: int) -> Quality:
    """Return the quality of a photo. `square`: the model's image, shape (S, S, 3). `pixels`: the photo's shorter side.

    A photo counts as soft if it is soft at the size at which the model sees it. Takes about 0.1 ms.
    """
    brightness, detail, colour = measures_of(square)
    return Quality(pixels, brightness < DARKEST, detail < SOFTEST, colour < GREYEST)


def measures_of(square: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return the mean brightness, the share of fine detail in the contrast, and the mean colour difference.

    Fine detail is the mean second difference of neighbours in a row, contrast the standard deviation of all pixels.
    """
    lines = np.ascontiguousarray(square[::_STEP])
    red, green, blue = (lines[:, ::_STEP, channel].copy() for channel in range(3))
    brightness = _RED * _mean(red) + _GREEN * _mean(green) + _BLUE * _mean(blue)
    rows = lines[:, :, 1].astype(np.int16)
    detail = _mean(np.abs(2 * rows[:, 1:-1] - rows[:, :-2] - rows[:, 2:])) / max(_deviation(rows), 1.0)
    largest, smallest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return brightness, detail, _mean(largest - smallest)


def _mean(values: NDArray[np.integer]) -> float:
    """Return the mean of whole numbers; unlike `mean`, the sum is exact, and quick."""
    return int(values.sum(dtype=np.int64)) / values.size


def _deviation(values: NDArray[np.int16]) -> float:
    """Return the standard deviation, from exact sums."""
    return sqrt(max(_mean(np.square(values, dtype=np.int32)) - _mean(values) ** 2, 0.0))

"""The pixels of a photo: the parts that models see, upright and RGB, and what makes them hard to recognise. No I/O."""

from collections.abc import Iterator
from math import sqrt
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.photo.exif import TRANSPOSE_TO_UPRIGHT

_MARGIN = 32
"""A square of `size` pixels shows size / (size + 32) of the short side, as is usual: 224/256, 260/292."""
_SWAPPED, _FROM_THE_RIGHT, _FROM_BELOW = (5, 6, 7, 8), (2, 3, 7, 8), (3, 4, 6, 7)
"""EXIF orientations of images whose rows are the upright photo's columns; whose first column is the photo's right side
(or its lower side, if swapped); and whose first row is its lower side (or its right side)."""
_BAND = 256
"""Rows that are scaled at a time when a channel is wider than a byte."""

type _Rectangle = tuple[float, float, float, float]  # left, top, right and bottom side, in pixels


def crop_share(size: int) -> float:
    """Return the share of the photo's short side that a square of `size` pixels shows."""
    return size / (size + _MARGIN)


def draft_side(size: int) -> int:
    """Return the smallest side in pixels to which a JPEG may be scaled while decoding, for a square of `size`.

    Decoding at 1/2, 1/4 or 1/8 of the size is cheap. If the result is twice as large as needed, it loses nothing.
    """
    return 2 * (size + _MARGIN)


class Area(NamedTuple):
    """A rectangle of an upright photo. All sides are shares of the photo's width or height, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


class Picture:
    """A decoded photo. Models see parts of it; each part is upright, and only as large as its model needs.

    `image`: the decoded image, in any mode. `orientation`: EXIF orientation of this image, 1 to 8.
    """

    def __init__(self, image: Image.Image, orientation: int = 1) -> None:
        self._image, self._orientation = _to_8_bit(image), orientation
        width, height = self._image.size
        self.width, self.height = (height, width) if orientation in _SWAPPED else (width, height)

    def square(self, size: int) -> NDArray[np.uint8]:
        """Return the centre of the photo, shape (size, size, 3), uint8, RGB: `crop_share` of its short side."""
        side = min(self.width, self.height) * crop_share(size)
        return self._resized(self._square(side, self.width / 2, self.height / 2), (size, size), gap=3.0)

    def around(self, area: Area, size: int) -> NDArray[np.uint8]:
        """Return the smallest square around an area, shape (size, size, 3), uint8, RGB.

        The square lies inside of the photo. If the area is longer than the photo's short side, its ends are missing.
        """
        width, height = (area.right - area.left) * self.width, (area.bottom - area.top) * self.height
        side = min(max(width, height, 1.0), self.width, self.height)
        x, y = (area.left + area.right) / 2 * self.width, (area.top + area.bottom) / 2 * self.height
        return self._resized(self._square(side, x, y), (size, size), gap=3.0)

    def near(self, x: float, y: float, share: float, size: int) -> NDArray[np.uint8]:
        """Return a part of the photo, shape (size, size, 3), uint8, RGB.

        `x`, `y`: its middle, as shares of what `square(size)` shows. `share`: its side over the photo's short side.
        """
        short = min(self.width, self.height)
        shown = short * crop_share(size)
        part = self._square(short * share, self.width / 2 + (x - 0.5) * shown, self.height / 2 + (y - 0.5) * shown)
        return self._resized(part, (size, size), gap=3.0)

    def reduced(self, size: int) -> "Picture":
        """Return a smaller photo, to save memory: its shorter side has `draft_side(size)` pixels or a few more.

        A JPEG is decoded at such a size; a photo in another format may be twenty times as large.
        """
        factor = min(self.width, self.height) // draft_side(size)
        return self if factor < 2 else Picture(self._image.reduce(factor), self._orientation)

    def whole(self, longest: int) -> NDArray[np.uint8]:
        """Return the whole photo, its longer side resized to `longest` pixels: shape (height, width, 3), uint8, RGB."""
        scale = longest / max(self.width, self.height)
        size = max(round(self.width * scale), 1), max(round(self.height * scale), 1)
        return self._resized((0.0, 0.0, self.width, self.height), size, 1.0, Image.Resampling.BILINEAR)

    def _square(self, side: float, x: float, y: float) -> _Rectangle:
        """Return the square around a point, in pixels, moved so that all of it is in the photo."""
        left = min(max(x - side / 2, 0.0), self.width - side)
        top = min(max(y - side / 2, 0.0), self.height - side)
        return left, top, min(left + side, self.width), min(top + side, self.height)

    def _resized(
        self, area: _Rectangle, size: tuple[int, int], gap: float, by: Image.Resampling = Image.Resampling.BICUBIC
    ) -> NDArray[np.uint8]:
        """Return an area in another size. `gap`, `by`: `reducing_gap` and `resample` of Pillow's `resize`."""
        stored = _stored(area, self._orientation, self.width, self.height)
        if self._orientation in _SWAPPED:
            size = size[1], size[0]
        part = _to_rgb(self._image.resize(size, by, stored, reducing_gap=gap))
        transpose = TRANSPOSE_TO_UPRIGHT.get(self._orientation)
        return np.asarray(part if transpose is None else part.transpose(transpose))


def decode(image: Image.Image, size: int, orientation: int = 1) -> Picture:
    """Decode an image, of which a model is to see a square of `size` pixels."""
    image.draft("RGB", (draft_side(size), draft_side(size)))
    image.load()
    return Picture(image, orientation)


def _stored(area: _Rectangle, orientation: int, width: int, height: int) -> _Rectangle:
    """Return where an area of the upright photo lies in the stored image. `width`, `height`: of the upright photo."""
    left, top, right, bottom = area
    if orientation in _SWAPPED:
        left, top, right, bottom = top, left, bottom, right
        width, height = height, width
    if orientation in _FROM_THE_RIGHT:
        left, right = width - right, width - left
    if orientation in _FROM_BELOW:
        top, bottom = height - bottom, height - top
    return left, top, right, bottom


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Convert the image to a mode that can be resized: 8 bits per channel, no palette."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_scale_to_8_bit(np.asarray(image)))
    if "transparency" in image.info or image.mode in ("PA", "LA", "La", "RGBa"):
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")


def _scale_to_8_bit(numbers: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale values so that the minimum is black and the maximum is white; NaN and infinity count as 0.

    Works in bands of rows, because a large photo in float64 would not fit into the memory of a Lambda function.
    """

    def bands() -> Iterator[tuple[slice, NDArray[np.float64]]]:
        for start in range(0, len(numbers), _BAND):
            rows = slice(start, start + _BAND)
            yield rows, np.nan_to_num(numbers[rows].astype(np.float64), posinf=0.0, neginf=0.0)

    extremes = [(float(band.min()), float(band.max())) for _, band in bands()]
    low, high = min(lows for lows, _ in extremes), max(highs for _, highs in extremes)
    scale = 255 / (high - low) if high > low else 0.0
    scaled = np.empty(numbers.shape, np.uint8)
    for rows, band in bands():
        scaled[rows] = (band - low) * scale
    return scaled


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB, with white in place of transparency."""
    if image.mode == "RGBA":
        background = Image.new("RGB", image.size, "white")
        background.paste(image, mask=image.getchannel("A"))
        return background
    return image.convert("RGB")


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

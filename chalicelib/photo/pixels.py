"""Turn a decoded image of any mode into a square of RGB pixels. No I/O."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MARGIN = 32
"""The crop of size / (size + 32) of the short side is usual for models of 224 (224/256) and more pixels."""
_BAND = 256
"""Rows that are scaled at a time when a channel is wider than a byte."""


def crop_share(size: int) -> float:
    """Return the share of the photo's short side that a square of `size` pixels shows."""
    return size / (size + _MARGIN)


def draft_side(size: int) -> int:
    """Return the smallest side in pixels to which a JPEG may be scaled while decoding, for a square of `size`.

    Decoding a JPEG at 1/2, 1/4 or 1/8 of its size is cheap. If the decoded image is at least twice as large as needed,
    the result is as good as from the full size.
    """
    return 2 * (size + _MARGIN)


def crop_and_resize(image: Image.Image, size: int) -> Image.Image:
    """Decode an image, crop it to its centre, and resize the crop to an RGB square with sides of `size` pixels."""
    image.draft("RGB", (draft_side(size), draft_side(size)))
    image.load()
    width, height = image.size
    side = min(width, height) * crop_share(size)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    image = _to_8_bit(image).resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=3.0)
    return _to_rgb(image)


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

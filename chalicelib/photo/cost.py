"""Estimate the memory for decoding a photo from the photo's header.

The bytes per pixel are upper bounds of the peaks that `python -m benchmarks.decode` measures;
docs/explanation/photos.md has the table.
"""

from PIL import Image
from PIL.ExifTags import Base

_FIXED = 8_000_000
"""Bytes for tables, rows in progress, and the parts that models see."""
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}
"""Bytes per pixel of a decoded image in Pillow, by mode; 4 for all others."""
_CONVERTED = {"L": 0, "RGB": 0, "I": 8, "F": 8, "LA": 8, "PA": 8, "I;16": 4, "I;16L": 4, "I;16B": 4}
"""Bytes per pixel of the copies that `Picture` makes of a decoded image, by mode; 4 for all others."""
_TRANSPARENCY = 8
"""The same for an image with one transparent colour: RGBA, and RGBA with premultiplied colours."""
_WEBP = 18
"""Bytes per pixel: two canvases and a frame in the decoder, and Pillow's copies."""


def jpeg_bytes(image: Image.Image, draft_side: int, *, buffered: bool) -> int:
    """Return the maximum number of bytes that decoding a JPEG takes, not counting the file.

    `draft_side`: smallest side in pixels to which the decoder may scale the image down. `buffered`: whether the decoder
    keeps the coefficients of the whole image in memory.
    """
    most = min(image.size) // draft_side
    scale = next((scale for scale in (8, 4, 2) if scale <= most), 1)
    coefficients = _coefficient_bytes(image) if buffered else 0.0
    return _total(image.size, coefficients + _mode_bytes(image) / scale**2)


def png_bytes(image: Image.Image) -> int:
    """Return the maximum number of bytes that decoding a PNG takes, not counting the file."""
    return _total(image.size, _mode_bytes(image))


def tiff_bytes(image: Image.Image) -> int:
    """Return the maximum number of bytes that decoding a TIFF takes, not counting the file.

    The decoder keeps the whole image and one strip or tile in memory.
    """
    tags = getattr(image, "tag_v2", {})
    rotated = tags.get(Base.Orientation, 1) != 1
    width, height = image.size
    strip_width = _int_tag(image, Base.TileWidth) or max(image.size)
    strip_height = _int_tag(image, Base.TileLength) or min(
        _int_tag(image, Base.RowsPerStrip) or height, max(image.size)
    )
    bits = tags.get(Base.BitsPerSample, (8,))
    sample_bytes = max(4, sum(bits) // 8 + 1 if isinstance(bits, tuple) else 8)
    per_pixel = _mode_bytes(image) + (_STORED.get(image.mode, 4) if rotated else 0)
    return _total((width, height), per_pixel) + strip_width * strip_height * sample_bytes


def tile_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of a TIFF's tiles, or (0, 0) if it has none. A tile may be larger than the image."""
    return _int_tag(image, Base.TileWidth), _int_tag(image, Base.TileLength)


def heic_bytes(image: Image.Image) -> int:
    """Return the maximum number of bytes that decoding a HEIC photo takes, not counting the file."""
    deep, alpha = image.info.get("bit_depth", 8) > 8, image.mode not in ("L", "RGB")
    per_pixel = 8 if image.info.get("chroma") in (400, 420) else 16 if deep else 10
    return _total(image.size, per_pixel + (5 if deep and alpha else 1 if alpha else 0))


def webp_bytes(size: tuple[int, int]) -> int:
    """Return the maximum number of bytes that decoding a WebP photo takes, not counting the file.

    `size`: width and height in pixels.
    """
    return _total(size, _WEBP)


def _total(size: tuple[int, int], per_pixel: float) -> int:
    return _FIXED + int(size[0] * size[1] * per_pixel)


def _mode_bytes(image: Image.Image) -> int:
    """Return the bytes per pixel of a decoded image and of its copies in `Picture`."""
    converted = _TRANSPARENCY if "transparency" in image.info else _CONVERTED.get(image.mode, 4)
    return _STORED.get(image.mode, 4) + converted


def _coefficient_bytes(image: Image.Image) -> float:
    """Return the bytes per pixel of all coefficients of a JPEG: two bytes per sample of each component."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", [])
    factors = [(horizontal, vertical) for _, horizontal, vertical, _ in layers] or [(1, 1)]
    largest = max(horizontal for horizontal, _ in factors) * max(vertical for _, vertical in factors)
    return 2.0 * sum(horizontal * vertical for horizontal, vertical in factors) / largest


def _int_tag(image: Image.Image, tag: int) -> int:
    """Return the value of a TIFF tag, or 0 if it is missing or not an int."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return value if isinstance(value, int) else 0

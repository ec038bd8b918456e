"""Small copies of photos, without their EXIF, to put into a page."""

import base64
import io
import warnings
from pathlib import Path

from PIL import Image, ImageOps

SIDE = 240
"""Longest side in pixels."""


def thumbnail(path: Path, side: int = SIDE) -> bytes | None:
    """Return a small upright JPEG of a photo, or None if it cannot be read any more."""
    from pillow_heif import register_heif_opener

    register_heif_opener()
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            image.draft("RGB", (side, side))
            small = ImageOps.exif_transpose(image)
            small.thumbnail((side, side))
            buffer = io.BytesIO()
            small.convert("RGB").save(buffer, "JPEG", quality=75)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return buffer.getvalue()


def as_data_uri(jpeg: bytes) -> str:
    """Return a JPEG as an address that holds it."""
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"

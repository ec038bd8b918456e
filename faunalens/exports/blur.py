"""Make people in a photo unrecognisable."""

import io
import warnings
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageFilter, ImageOps
from PIL.ExifTags import IFD, Base

from faunalens.study.finding import WHOLE, Box

CELLS = 8
"""Squares along the longer side of a person. A head is about a seventh of a body, so it is about one square."""
MARGIN = 0.15  # share of a box's sides that is blurred around it too: boxes cut off hands and hats
QUALITY = 92
KEPT = (Base.Make, Base.Model, Base.DateTime)
KEPT_TIMES = (Base.DateTimeOriginal, Base.DateTimeDigitized, Base.OffsetTimeOriginal)
"""What a blurred photo keeps of EXIF. GPS, the thumbnail and the maker's notes may reveal a place or a person."""


def blurred(path: Path, boxes: Iterable[Box]) -> bytes | None:
    """Return an upright JPEG of a photo in which people are blurred; without boxes, the whole photo is blurred.

    None if the photo cannot be read any more. `boxes`: around the people, in the upright photo.
    """
    from pillow_heif import register_heif_opener

    register_heif_opener()
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            exif = _kept(image.getexif())
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    for box in tuple(boxes) or (WHOLE,):
        area = _pixels(box, *upright.size)
        upright.paste(_unrecognisable(upright.crop(area)), area)
    buffer = io.BytesIO()
    # Pillow would keep the comment, in which some cameras and programs say who and where.
    upright.save(buffer, "JPEG", quality=QUALITY, exif=exif, comment=b"", icc_profile=upright.info.get("icc_profile"))
    return buffer.getvalue()


def _kept(exif: Image.Exif) -> Image.Exif:
    kept = Image.Exif()
    kept.update({tag: exif[tag] for tag in KEPT if tag in exif})
    times = exif.get_ifd(IFD.Exif)
    kept.get_ifd(IFD.Exif).update({tag: times[tag] for tag in KEPT_TIMES if tag in times})
    return kept


def _pixels(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a box with its margin, in pixels. `width`, `height`: those of the photo."""
    left, top = box.x - MARGIN * box.width, box.y - MARGIN * box.height
    right, bottom = box.x + (1 + MARGIN) * box.width, box.y + (1 + MARGIN) * box.height
    x, y = min(max(int(left * width), 0), width - 1), min(max(int(top * height), 0), height - 1)
    return x, y, max(min(round(right * width), width), x + 1), max(min(round(bottom * height), height), y + 1)


def _unrecognisable(part: Image.Image) -> Image.Image:
    """Return a part of a photo as a few blurred squares. A blur alone could be undone; the squares cannot."""
    square = max(*part.size, CELLS) / CELLS
    cells = max(round(part.width / square), 1), max(round(part.height / square), 1)
    mosaic = part.resize(cells, Image.Resampling.BOX).resize(part.size, Image.Resampling.NEAREST)
    return mosaic.filter(ImageFilter.GaussianBlur(square / 3))

"""EXIF: the orientation of a photo, the time on its camera's clock, and the location in its GPS tags (CIPA DC-008)."""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from chalicelib.errors import LocationInvalid
from chalicelib.location import REMEDY, Location
from chalicelib.photo.formats import DECODER_ERRORS

TRANSPOSE_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transformation that makes the stored image upright, by EXIF orientation (tag 0x0112). 1 is upright already."""


class Exif(NamedTuple):
    """The facts in a photo's EXIF.

    `orientation`: 1 to 8. `gps`: the GPS tags by number. `taken`: the time by the camera's own clock, usually
    "YYYY:MM:DD HH:MM:SS", but any text is possible. `offset`: of that clock from UTC, such as "+03:00". Both are empty
    if EXIF lacks them.
    """

    orientation: int = 1
    gps: Mapping[int, Any] = MappingProxyType({})
    taken: str = ""
    offset: str = ""


_TIMES = (
    (Base.DateTimeOriginal, Base.OffsetTimeOriginal),
    (Base.DateTimeDigitized, Base.OffsetTimeDigitized),  # CreateDate of ExifTool
    (Base.DateTime, Base.OffsetTime),  # its ModifyDate, which is not in the part of the others
)
"""Tags of the time and of its offset. The first that has a time counts."""
_TIME = re.compile(r"(\d{4}):(\d\d?):(\d\d?)\s+(\d\d?):(\d\d?):(\d\d?)", re.ASCII)
_OFFSET = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")


def read_exif(image: Image.Image, *, decodes_upright: bool = False) -> Exif:
    """Return what EXIF says; nothing if it is absent or invalid. `decodes_upright`: see `Format`."""
    try:
        exif = Image.Image.getexif(image)  # PngImageFile's own would decode a photo without EXIF to search for it
        gps = dict(exif.get_ifd(IFD.GPSInfo))
        orientation = exif.get(Base.Orientation)
    except DECODER_ERRORS:
        return Exif()
    if orientation not in TRANSPOSE_TO_UPRIGHT or decodes_upright:
        orientation = 1
    return Exif(orientation or 1, gps, *_taken(exif))


def location_from_gps(tags: Mapping[int, Any]) -> Location | None:
    """Return the location in EXIF GPS tags (CIPA DC-008, 4.6.6), or None if they have no position.

    `tags`: GPS tags by number, with the values that Pillow returns.
    A position of exactly 0/0 counts as no position: cameras without a GPS fix write it. Raises `LocationInvalid` for an
    invalid position: a zero denominator, a missing or wrong reference, text, or a value out of range.
    """
    if GPS.GPSLatitude not in tags and GPS.GPSLongitude not in tags:
        return None
    latitude = _degrees(tags.get(GPS.GPSLatitude), "latitude")
    longitude = _degrees(tags.get(GPS.GPSLongitude), "longitude")
    if latitude == longitude == 0:
        return None
    latitude *= _sign(tags.get(GPS.GPSLatitudeRef), "latitude", "N", "S")
    longitude *= _sign(tags.get(GPS.GPSLongitudeRef), "longitude", "E", "W")
    return Location(latitude, longitude, "exif")


def taken_at(taken: str, shift: float = 0.0) -> str | None:
    """Return EXIF's time as 'YYYY-MM-DD HH:MM:SS', or None if it is not a time: the clock may never have been set.

    `shift`: seconds to add, for a clock that was wrong.
    """
    if not (found := _TIME.fullmatch(taken.strip(" \x00"))):
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        time = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001, EXIF has no zone
        return (time + timedelta(seconds=shift)).isoformat(" ", "seconds")
    except (ValueError, OverflowError):
        return None


def _taken(exif: Image.Exif) -> tuple[str, str]:
    """Return when the photo was taken, and its clock's offset from UTC, as text."""
    try:
        tags = {Base.DateTime: exif.get(Base.DateTime), **exif.get_ifd(IFD.Exif)}
    except DECODER_ERRORS:
        return "", ""
    texts = {tag: value.strip(" \0") for tag, value in tags.items() if isinstance(value, str)}
    for tag, offset_tag in _TIMES:
        if taken_at(texts.get(tag, "")):
            offset = texts.get(offset_tag, "")
            return texts[tag], offset if _OFFSET.fullmatch(offset) else ""
    return texts.get(Base.DateTimeOriginal, ""), ""


def _degrees(value: Any, name: str) -> float:
    """Return decimal degrees. `value`: degrees, optionally followed by minutes, or by minutes and seconds."""
    if value is None:
        raise LocationInvalid(f"the photo's GPS {name} is missing; {REMEDY}")
    parts = value if isinstance(value, tuple | list) else (value,)
    try:
        numbers = [float(part) for part in parts if not isinstance(part, str | bytes)]
    except (TypeError, ValueError, ArithmeticError):
        numbers = []
    if len(numbers) != len(parts) or not 1 <= len(numbers) <= 3 or not all(map(math.isfinite, numbers)):
        raise LocationInvalid(f"the photo's GPS {name} is not numeric; {REMEDY}")
    degrees, minutes, seconds = [*numbers, 0.0, 0.0][:3]
    if degrees < 0 or not 0 <= minutes <= 60 or not 0 <= seconds <= 60:
        raise LocationInvalid(f"the photo's GPS {name} is out of range; {REMEDY}")
    return degrees + minutes / 60 + seconds / 3600


def _sign(reference: Any, name: str, plus: str, minus: str) -> int:
    """Return +1 or -1 for a hemisphere. Some cameras pad the letter with NULs or spaces, or write it in lower case."""
    if isinstance(reference, bytes):
        reference = reference.decode("latin-1")
    letter = reference.strip(" \x00").upper() if isinstance(reference, str) else ""
    if letter not in (plus, minus):
        raise LocationInvalid(f"the photo's GPS {name} has neither {plus} nor {minus} as reference; {REMEDY}")
    return 1 if letter == plus else -1

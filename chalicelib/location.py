"""Where a photo was taken: from its EXIF GPS tags, or from the request, which wins.

Exact coordinates live only in a `Location`, only for the request; its `repr` does not show them.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from PIL.ExifTags import GPS

from chalicelib.errors import LocationInvalid

# With an exponent too: that is how programs write 0.00001.
_DECIMAL = re.compile(r"[+-]?(\d{1,3}(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_HOW_ON = "send lat and lon with the request, or location=none to go without"


@dataclass(frozen=True, slots=True)
class Location:
    """A place on Earth, WGS84 decimal degrees, and who said so."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    source: Literal["exif", "request"]

    def __post_init__(self) -> None:
        for name, value, limit in (("latitude", self.latitude, 90), ("longitude", self.longitude, 180)):
            if not -limit <= value <= limit:  # also false for NaN
                raise LocationInvalid(f"the {name} is not between -{limit} and {limit} degrees; {_HOW_ON}")


def from_request(latitude: str, longitude: str) -> Location:
    """The location that a request names: two decimal numbers of degrees, as text."""
    return Location(_decimal("lat", latitude), _decimal("lon", longitude), "request")


def from_gps(tags: Mapping[int, Any]) -> Location | None:
    """The location in EXIF GPS tags (CIPA DC-008, 4.6.6); None if there is none.

    Parameters: tags, GPS tags by number, with values as Pillow gives them.
    Exactly 0/0 is what cameras without a fix write, and counts as none. Raises `LocationInvalid` if tags are
    there that are no place: a zero denominator, a missing or wrong reference, text, out of range.
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


def _decimal(name: str, text: str) -> float:
    number = text.strip()
    if not _DECIMAL.fullmatch(number):
        hint = "with a point, not a comma" if "," in number else "such as -33.9"
        raise LocationInvalid(f"{name} is no decimal number of degrees; write it {hint}")
    return float(number)


def _degrees(value: Any, name: str) -> float:
    """Degrees from one to three numbers: degrees, minutes, seconds."""
    if value is None:
        raise LocationInvalid(f"the photo's GPS {name} is missing; {_HOW_ON}")
    parts = value if isinstance(value, tuple | list) else (value,)
    try:
        numbers = [float(part) for part in parts if not isinstance(part, str | bytes)]
    except (TypeError, ValueError, ArithmeticError):
        numbers = []
    if len(numbers) != len(parts) or not 1 <= len(numbers) <= 3 or not all(map(math.isfinite, numbers)):
        raise LocationInvalid(f"the photo's GPS {name} is not made of numbers; {_HOW_ON}")
    degrees, minutes, seconds = [*numbers, 0.0, 0.0][:3]
    if degrees < 0 or not 0 <= minutes <= 60 or not 0 <= seconds <= 60:
        raise LocationInvalid(f"the photo's GPS {name} is out of range; {_HOW_ON}")
    return degrees + minutes / 60 + seconds / 3600


def _sign(reference: Any, name: str, plus: str, minus: str) -> int:
    """+1 or -1 for a hemisphere; cameras pad the letter with NULs or spaces, some write it small."""
    if isinstance(reference, bytes):
        reference = reference.decode("latin-1")
    letter = reference.strip(" \x00").upper() if isinstance(reference, str) else ""
    if letter not in (plus, minus):
        raise LocationInvalid(f"the photo's GPS {name} does not say {plus} or {minus}; {_HOW_ON}")
    return 1 if letter == plus else -1

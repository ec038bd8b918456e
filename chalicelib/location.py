"""The location of a photo.

Only a `Location` contains exact coordinates. It exists only during the request, and its `repr` hides them.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from chalicelib.errors import LocationInvalid

# Small numbers can have an exponent: Python writes 0.00001 as 1e-05, and JavaScript writes 0.0000001 as 1e-7.
_DECIMAL = re.compile(r"[+-]?(\d{1,3}(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
REMEDY = "send lat and lon with the request, or location=none to ignore the location"
"""Advice to clients in errors about a missing or invalid location."""


@dataclass(frozen=True, slots=True)
class Location:
    """A position in WGS84 decimal degrees, and its source: EXIF or the request."""

    latitude: float = field(repr=False)
    longitude: float = field(repr=False)
    source: Literal["exif", "request"]

    def __post_init__(self) -> None:
        remedy = REMEDY if self.source == "exif" else "send lat and lon in WGS84 decimal degrees"
        for name, value, limit in (("latitude", self.latitude, 90), ("longitude", self.longitude, 180)):
            if not -limit <= value <= limit:  # also catches NaN
                raise LocationInvalid(f"the {name} is not between -{limit} and {limit} degrees; {remedy}")


def parse_location(latitude: str, longitude: str) -> Location:
    """Parse the decimal degrees of a request. Raises `LocationInvalid`."""
    return Location(_parse_degrees("lat", latitude), _parse_degrees("lon", longitude), "request")


def _parse_degrees(name: str, text: str) -> float:
    number = text.strip()
    if not _DECIMAL.fullmatch(number):
        hint = "use a decimal point, not a comma" if "," in number else "send a number such as -33.9"
        raise LocationInvalid(f"{name} is not a decimal number of degrees; {hint}")
    return float(number)

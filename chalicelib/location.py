"""The location of a photo, and its cell: one of the 41,162 of the H3 grid at resolution 3, each about 110 km across.

Only a `Location` contains exact coordinates. It exists only during the request, and its `repr` hides them.
Only its cell is cached, logged or counted. In code a cell is an `int`, which fits a PostgreSQL `bigint`. The API shows
its H3 text form, such as `83be0afffffffff`.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, cast

from chalicelib.errors import LocationInvalid
from chalicelib.lazy import without_versions

# Small numbers can have an exponent: Python writes 0.00001 as 1e-05, and JavaScript writes 0.0000001 as 1e-7.
_DECIMAL = re.compile(r"[+-]?(\d{1,3}(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
Source = Literal["exif", "request", "none"]
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


RESOLUTION = 3


@cache
def h3() -> Any:
    """Import the H3 library and return it. A background thread calls this early, because the import takes 10 ms."""
    with without_versions():
        from h3.api import basic_int

    return basic_int


def cell_of(latitude: float, longitude: float) -> int:
    """Return the cell that contains a point, given in WGS84 decimal degrees."""
    return cast("int", h3().latlng_to_cell(latitude, longitude, RESOLUTION))


def text_of(cell: int) -> str:
    """Return the H3 text form of a cell: 15 hexadecimal digits."""
    return cast("str", h3().int_to_str(cell))


def parse_cell(text: str) -> int:
    """Parse the H3 text form of a cell. Raises `ValueError` if it is not a cell of resolution 3."""
    try:
        cell = int(text, 16)
    except ValueError:
        cell = 0
    if not 0 < cell < 2**63 or not h3().is_valid_cell(cell) or h3().get_resolution(cell) != RESOLUTION:
        raise ValueError(f"'{text}' is not an H3 cell of resolution {RESOLUTION}; expected 15 hexadecimal digits")
    return cell


def center_of(cell: int) -> tuple[float, float]:
    """Return the latitude and longitude of the cell's centre, rounded to 0.1 degrees."""
    latitude, longitude = h3().cell_to_latlng(cell)
    return round(latitude, 1), round(longitude, 1)


def around(cell: int) -> list[int]:
    """Return a cell, the adjacent ones, and the wider cells of resolution 0 to 2 that contain it."""
    wider = [h3().cell_to_parent(cell, resolution) for resolution in range(RESOLUTION)]
    return [cell, *neighbours_of(cell), *wider]


def neighbours_of(cell: int) -> list[int]:
    """Return the adjacent cells: five if the cell is one of the twelve pentagons, otherwise six."""
    return cast("list[int]", h3().grid_ring(cell, 1))

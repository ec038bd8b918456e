"""Cells: the H3 grid at resolution 3 (41,162 cells on Earth, about 110 km across).

A cell is the only form of a location that is cached, logged or counted. Code uses an `int` that fits a PostgreSQL
`bigint`; APIs show the usual text form, such as `83be0afffffffff`.
"""

from functools import cache
from typing import Any, cast

RESOLUTION = 3


@cache
def prepare() -> Any:
    """The H3 library, imported on first use (30 ms of a cold start); a background thread calls this early."""
    from h3.api import basic_int

    return basic_int


def cell_of(latitude: float, longitude: float) -> int:
    """The cell that contains a point. WGS84 decimal degrees."""
    return cast("int", prepare().latlng_to_cell(latitude, longitude, RESOLUTION))


def text_of(cell: int) -> str:
    """The usual text form of a cell: 15 hexadecimal digits."""
    return cast("str", prepare().int_to_str(cell))


def parse_cell(text: str) -> int:
    """Parse the text form. Raises `ValueError` if it is not a cell of resolution 3."""
    try:
        cell = int(text, 16)
    except ValueError:
        raise ValueError(f"'{text}' is not an H3 cell") from None
    if not 0 < cell < 2**63 or not prepare().is_valid_cell(cell) or prepare().get_resolution(cell) != RESOLUTION:
        raise ValueError(f"'{text}' is not an H3 cell of resolution {RESOLUTION}")
    return cell


def center_of(cell: int) -> tuple[float, float]:
    """Latitude and longitude of the cell's centre, rounded to 0.1 degrees. They identify the cell, not the photo."""
    latitude, longitude = prepare().cell_to_latlng(cell)
    return round(latitude, 1), round(longitude, 1)


def neighbours_of(cell: int) -> list[int]:
    """The adjacent cells: six, or five around one of the twelve pentagons."""
    return cast("list[int]", prepare().grid_ring(cell, 1))

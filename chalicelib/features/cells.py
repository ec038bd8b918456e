"""Cells of the H3 grid at resolution 3: 41,162 cells on Earth, each about 110 km across.

Only the cell of a location is cached, logged or counted, never its coordinates. In code a cell is an `int`, which fits
a PostgreSQL `bigint`. The API shows its H3 text form, such as `83be0afffffffff`.
"""

from functools import cache
from typing import Any, cast

from chalicelib.lazy import without_versions

RESOLUTION = 3


@cache
def prepare() -> Any:
    """Import the H3 library and return it. A background thread calls this early, because the import takes 10 ms."""
    with without_versions():
        from h3.api import basic_int

    return basic_int


def cell_of(latitude: float, longitude: float) -> int:
    """Return the cell that contains a point, given in WGS84 decimal degrees."""
    return cast("int", prepare().latlng_to_cell(latitude, longitude, RESOLUTION))


def text_of(cell: int) -> str:
    """Return the H3 text form of a cell: 15 hexadecimal digits."""
    return cast("str", prepare().int_to_str(cell))


def parse_cell(text: str) -> int:
    """Parse the H3 text form of a cell. Raises `ValueError` if it is not a cell of resolution 3."""
    try:
        cell = int(text, 16)
    except ValueError:
        cell = 0
    if not 0 < cell < 2**63 or not prepare().is_valid_cell(cell) or prepare().get_resolution(cell) != RESOLUTION:
        raise ValueError(f"'{text}' is not an H3 cell of resolution {RESOLUTION}; expected 15 hexadecimal digits")
    return cell


def center_of(cell: int) -> tuple[float, float]:
    """Return the latitude and longitude of the cell's centre, rounded to 0.1 degrees."""
    latitude, longitude = prepare().cell_to_latlng(cell)
    return round(latitude, 1), round(longitude, 1)


def around(cell: int) -> list[int]:
    """Return a cell, the adjacent ones, and the wider cells of resolution 0 to 2 that contain it."""
    wider = [prepare().cell_to_parent(cell, resolution) for resolution in range(RESOLUTION)]
    return [cell, *neighbours_of(cell), *wider]


def neighbours_of(cell: int) -> list[int]:
    """Return the adjacent cells: five if the cell is one of the twelve pentagons, otherwise six."""
    return cast("list[int]", prepare().grid_ring(cell, 1))

"""The cells that places are counted in: H3 at resolution 3 (about 110 km across, 41,162 on Earth).

The only form of a location that is cached, logged or counted. A cell is an `int` that fits a PostgreSQL
`bigint`; people and APIs see its usual text form, such as `83be0afffffffff`.
"""

from functools import cache
from typing import Any, cast

RESOLUTION = 3


@cache
def prepare() -> Any:
    """The H3 library; imported when first needed (30 ms of a cold start), or by calling this beside something else."""
    from h3.api import basic_int

    return basic_int


def cell_of(latitude: float, longitude: float) -> int:
    """The cell that holds a place; WGS84 decimal degrees."""
    return cast("int", prepare().latlng_to_cell(latitude, longitude, RESOLUTION))


def text_of(cell: int) -> str:
    """The usual text form of a cell: 15 hexadecimal digits."""
    return cast("str", prepare().int_to_str(cell))


def parse_cell(text: str) -> int:
    """The cell of a text form; `ValueError` if it is no cell of our resolution."""
    try:
        cell = int(text, 16)
    except ValueError:
        raise ValueError(f"'{text}' is not an H3 cell") from None
    if not 0 < cell < 2**63 or not prepare().is_valid_cell(cell) or prepare().get_resolution(cell) != RESOLUTION:
        raise ValueError(f"'{text}' is not an H3 cell of resolution {RESOLUTION}")
    return cell


def center_of(cell: int) -> tuple[float, float]:
    """Latitude and longitude of the cell's centre, to a tenth of a degree: it names the cell, not the place."""
    latitude, longitude = prepare().cell_to_latlng(cell)
    return round(latitude, 1), round(longitude, 1)


def neighbours_of(cell: int) -> list[int]:
    """The cells that touch a cell: six, or five around one of the twelve pentagons."""
    return cast("list[int]", prepare().grid_ring(cell, 1))

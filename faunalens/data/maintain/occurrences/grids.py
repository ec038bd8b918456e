"""The codes of grid cells in GBIF's cubes, as its SQL functions write them: where each is, and how large. No I/O.

    100kmE42N26             EEA reference grid, GBIF_EEARGCode
    CRS3035RES1000mN…E…     the same grid as EuroStat writes it
    32UNC6861               military grid reference system, GBIF_MGRSGCode
    E010N52CB               extended quarter-degree grid, GBIF_EQDGGCode
    E0104730N521730         degrees, minutes and seconds, GBIF_DMSGCode
    5340766511074019041     ISEA3H, GBIF_ISEA3HGCode

https://techdocs.gbif.org/en/data-use/api-sql-download-functions documents the functions, and
https://github.com/gbif/occurrence-cube has their code and examples.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, reduce
from math import cos, gcd, hypot, radians, sqrt
from typing import Any, Final, NamedTuple

_DEGREE: Final = 111_320.0  # metres in a degree of latitude
_EARTH: Final = 510_065_622e6  # area of the Earth in square metres
_LAEA_EUROPE, _UTM = 3035, 32600
"""Numbers in EPSG's register: ETRS89-LAEA Europe, and the number to which a zone of UTM (WGS84) is added."""


class GridCell(NamedTuple):
    """A cell of a grid: its centre in decimal degrees, and how far its corners are from there in metres."""

    lat: float
    lon: float
    metres: float


def grid_cells(codes: Iterable[str]) -> dict[str, GridCell]:
    """Return the grid cell of each code. Codes of an unknown grid are left out. All codes have to be from one file.

    Codes in minutes or seconds do not say how large their cells are, so the largest size that fits all codes is taken.

    >>> grid_cells(["E010N52CB", "10kmE428N267", "nowhere"]).keys()
    dict_keys(['E010N52CB', '10kmE428N267'])
    """
    every = list(codes)
    seconds = [_seconds(match) for code in every if (match := _DMS.fullmatch(code)) and match["lon_minutes"]]
    step = reduce(gcd, (each for pair in seconds for each in pair), 3600)
    found: dict[str, GridCell] = {}
    for code in every:
        for pattern, cell_of in _FORMS:
            if match := pattern.fullmatch(code):
                cell = cell_of(match, step)
                if cell is not None and abs(cell.lat) <= 90 and abs(cell.lon) <= 180:
                    found[code] = cell
                break
    return found


def _laea(code: re.Match[str], _step: int) -> GridCell | None:
    size = int(code["size"]) * (1000 if code["kilo"] else 1)
    # EEA leaves out of the numbers the zeros of the size: 10kmE428N267 is at 4,280,000 m. EuroStat writes them.
    zeros = 0 if code[0].startswith("CRS") else len(str(size)) - len(str(size).rstrip("0"))
    east, north = (int(code[name]) * 10**zeros for name in ("east", "north"))
    return _square(_LAEA_EUROPE, size, east, north) if size else None


def _mgrs(code: re.Match[str], _step: int) -> GridCell | None:
    zone, band, digits = int(code["zone"]), "CDEFGHJKLMNPQRSTUVWX".index(code["band"]), code["digits"]
    column = "ABCDEFGHJKLMNPQRSTUVWXYZ".index(code["column"]) - 8 * ((zone - 1) % 3)
    if not 0 <= column < 8 or len(digits) % 2:
        return None
    size = 10 ** (5 - len(digits) // 2)
    half = len(digits) // 2
    east = 100_000 * (column + 1) + int(digits[:half] or 0) * size
    row = ("ABCDEFGHJKLMNPQRSTUV".index(code["row"]) - (0 if zone % 2 else 5)) % 20
    north = 100_000 * row + int(digits[half:] or 0) * size
    # Rows repeat every 2,000 km: the one nearest to the middle of the band of latitude counts.
    middle = (8 * band - 76) * 110_900
    north += 2_000_000 * round((middle - north) / 2_000_000)
    return _square(_UTM + zone, size, east, north)


def _square(epsg: int, size: int, east: int, north: int) -> GridCell:
    """Return a square on a map in metres: `epsg` is the map's number, `east` and `north` the lower left corner."""
    lon, lat = _to_degrees(epsg).transform(east + size / 2, north + size / 2)
    return GridCell(lat, lon, size / sqrt(2))


@cache
def _to_degrees(epsg: int) -> Any:
    from pyproj import Transformer  # only operators have it installed

    return Transformer.from_crs(epsg, "EPSG:4326", always_xy=True)


def _quarters(code: re.Match[str], _step: int) -> GridCell:
    north, east, size = int(code["lat"]), int(code["lon"]), 1.0
    lat, lon = (-north - 1.0 if code["ns"] == "S" else north), (-east - 1.0 if code["ew"] == "W" else east)
    for letter in code["letters"]:
        size /= 2
        lat += size * (letter in "AB")
        lon += size * (letter in "BD")
    return _box(lat + size / 2, lon + size / 2, size)


def _dms(code: re.Match[str], step: int) -> GridCell:
    lat, lon = _seconds(code)
    size = (step if code["lon_minutes"] else 3600) / 3600
    signs = -1 if code["ns"] == "S" else 1, -1 if code["ew"] == "W" else 1
    return _box(signs[0] * (lat / 3600 + size / 2), signs[1] * (lon / 3600 + size / 2), size)


def _seconds(code: re.Match[str]) -> tuple[int, int]:
    """Return a code's latitude and longitude in arc seconds, without their signs."""
    parts = ([int(code[f"{name}{unit}"] or 0) for unit in ("", "_minutes", "_seconds")] for name in ("lat", "lon"))
    lat, lon = (3600 * degrees + 60 * minutes + seconds for degrees, minutes, seconds in parts)
    return lat, lon


def _isea3h(code: re.Match[str], _step: int) -> GridCell | None:
    """Return the cell of an ISEA3H code, or None if its number is not one.

    The number begins with the resolution, plus 22 in the south and 44 in the west. Then follow the latitude and the
    longitude of the centre, in millionths of a degree and without signs.
    """
    prefix = int(code["prefix"]) - 1
    resolution = prefix % 22 + 1
    lat, lon = int(code["lat"]) / 1e6, int(code["lon"]) / 1e6
    area = _EARTH / (10 * 3**resolution + 2)
    if not 0 <= prefix < 88:
        return None
    west, south = divmod(prefix // 22, 2)
    return GridCell(-lat if south else lat, -lon if west else lon, sqrt(2 * area / (3 * sqrt(3))))


def _box(lat: float, lon: float, size: float) -> GridCell:
    widest = max(0.0, abs(lat) - size / 2)
    return GridCell(lat, lon, hypot(size, size * cos(radians(widest))) / 2 * _DEGREE)


_DMS: Final = re.compile(
    r"(?P<ew>[EW])(?P<lon>\d{3})((?P<lon_minutes>\d\d)(?P<lon_seconds>\d\d)?)?"
    r"(?P<ns>[NS])(?P<lat>\d\d)((?P<lat_minutes>\d\d)(?P<lat_seconds>\d\d)?)?",
    re.ASCII,
)
_ZONE: Final = r"(?P<zone>0?[1-9]|[1-5]\d|60)(?P<band>[C-HJ-NP-X])"
_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int], GridCell | None]], ...]] = (
    (re.compile(r"(?P<size>\d{1,6})(?P<kilo>k?)mE(?P<east>\d{1,8})N(?P<north>\d{1,8})", re.ASCII), _laea),
    (re.compile(r"CRS3035RES(?P<size>\d{1,6})(?P<kilo>)mN(?P<north>-?\d{1,8})E(?P<east>-?\d{1,8})", re.ASCII), _laea),
    (re.compile(r"(?P<ew>[EW])(?P<lon>\d{3})(?P<ns>[NS])(?P<lat>\d\d)(?P<letters>[A-D]{1,24})", re.ASCII), _quarters),
    (_DMS, _dms),
    (re.compile(rf"{_ZONE}(?P<column>[A-HJ-NP-Z])(?P<row>[A-HJ-NP-V])(?P<digits>\d{{0,10}})", re.ASCII), _mgrs),
    (re.compile(r"-?(?P<prefix>\d{1,2})(?P<lat>\d{8})(?P<lon>\d{9})", re.ASCII), _isea3h),
)

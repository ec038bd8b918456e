"""The codes of grid cells in GBIF's cubes, as its SQL functions write them: where each is, and how large. No I/O.

    100kmE42N26             EEA reference grid, GBIF_EEARGCode
    CRS3035RES1000mN…E…     the same grid as EuroStat writes it
    32UNC6861               military grid reference system, GBIF_MGRSGCode
    E010N52CB               extended quarter-degree grid, GBIF_EQDGGCode
    E0104730N521730         degrees, minutes and seconds, GBIF_DMSGCode
    5340766511074019041     ISEA3H, GBIF_ISEA3HGCode

https://techdocs.gbif.org/en/data-use/api-sql-download-functions documents the functions, and
https://github.com/gbif/occurrence-cube has their code and examples.

From metres on two maps to degrees: Lambert's azimuthal equal-area projection (ETRS89-LAEA Europe) is inverted as in
EPSG's guidance note 7-2, method 9820, and the transverse Mercator one (UTM) with Krüger's series to the third power of
n, which is exact to a millimetre within a zone.
"""

import re
from collections.abc import Callable, Iterable
from functools import reduce
from math import asin, asinh, atan, atan2, atanh, cos, cosh, degrees, gcd, hypot, radians, sin, sinh, sqrt, tan
from typing import Final, NamedTuple

_DEGREE: Final = 111_320.0  # metres
_EARTH: Final = 510_065_622e6  # square metres
_AXIS: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257222101
"""The semi-major axis and flattening of GRS80. WGS84's differ by less than a millimetre."""

_E2: Final = _FLATTENING * (2 - _FLATTENING)
_E: Final = sqrt(_E2)


class Point(NamedTuple):
    """A place on Earth in decimal degrees, WGS84."""

    lat: float
    lon: float


class GridCell(NamedTuple):
    """A cell of a grid: its centre in decimal degrees, and how far its corners are from there in metres."""

    lat: float
    lon: float
    metres: float


def grid_cells(codes: Iterable[str]) -> dict[str, GridCell]:
    """Return the cell of each code that is one. The codes are those of one file.

    Codes in minutes or seconds do not say how large their cells are: that is the largest size which fits all of them.

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


def _eea(code: re.Match[str], _step: int) -> GridCell | None:
    size = int(code["size"]) * (1000 if code["kilo"] else 1)
    # What is left out of the numbers are the zeros of the size: 10kmE428N267 is at 4,280,000 m.
    unit = 10 ** (len(str(size)) - len(str(size).rstrip("0")))
    return _laea(size, int(code["east"]) * unit, int(code["north"]) * unit)


def _eurostat(code: re.Match[str], _step: int) -> GridCell | None:
    return _laea(int(code["size"]), int(code["east"]), int(code["north"]))


def _laea(size: int, east: int, north: int) -> GridCell | None:
    place = from_laea_europe(east + size / 2, north + size / 2) if size else None
    return GridCell(*place, size / sqrt(2)) if place else None


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
    return GridCell(*from_utm(zone, east + size / 2, north + size / 2), size / sqrt(2))


def _quarter_degrees(code: re.Match[str], _step: int) -> GridCell:
    north, east, size = int(code["lat"]), int(code["lon"]), 1.0
    south_is_down, west_is_left = code["ns"] == "S", code["ew"] == "W"
    lat, lon = (-north - 1.0 if south_is_down else north), (-east - 1.0 if west_is_left else east)
    for letter in code["letters"]:
        size /= 2
        lat += size * (letter in "AB")
        lon += size * (letter in "BD")
    return _box(Point(lat + size / 2, lon + size / 2), size)


def _dms(code: re.Match[str], step: int) -> GridCell:
    lat, lon = _seconds(code)
    size = (step if code["lon_minutes"] else 3600) / 3600
    signs = -1 if code["ns"] == "S" else 1, -1 if code["ew"] == "W" else 1
    return _box(Point(signs[0] * (lat / 3600 + size / 2), signs[1] * (lon / 3600 + size / 2)), size)


def _seconds(code: re.Match[str]) -> tuple[int, int]:
    """Return the seconds of latitude and longitude, without their signs."""
    lat, lon = (
        3600 * int(code[name]) + 60 * int(code[f"{name}_minutes"] or 0) + int(code[f"{name}_seconds"] or 0)
        for name in ("lat", "lon")
    )
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


def _box(middle: Point, size: float) -> GridCell:
    """Return a square of degrees."""
    widest = max(0.0, abs(middle.lat) - size / 2)
    return GridCell(*middle, hypot(size, size * cos(radians(widest))) / 2 * _DEGREE)


_DMS: Final = re.compile(
    r"(?P<ew>[EW])(?P<lon>\d{3})((?P<lon_minutes>\d\d)(?P<lon_seconds>\d\d)?)?"
    r"(?P<ns>[NS])(?P<lat>\d\d)((?P<lat_minutes>\d\d)(?P<lat_seconds>\d\d)?)?",
    re.ASCII,
)
_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int], GridCell | None]], ...]] = (
    (re.compile(r"(?P<size>\d{1,6})(?P<kilo>k?)mE(?P<east>\d{1,8})N(?P<north>\d{1,8})", re.ASCII), _eea),
    (re.compile(r"CRS3035RES(?P<size>\d{1,6})mN(?P<north>-?\d{1,8})E(?P<east>-?\d{1,8})", re.ASCII), _eurostat),
    (
        re.compile(r"(?P<ew>[EW])(?P<lon>\d{3})(?P<ns>[NS])(?P<lat>\d\d)(?P<letters>[A-D]{1,24})", re.ASCII),
        _quarter_degrees,
    ),
    (_DMS, _dms),
    (
        re.compile(
            r"(?P<zone>0?[1-9]|[1-5]\d|60)(?P<band>[C-HJ-NP-X])(?P<column>[A-HJ-NP-Z])(?P<row>[A-HJ-NP-V])"
            r"(?P<digits>\d{0,10})",
            re.ASCII,
        ),
        _mgrs,
    ),
    (re.compile(r"-?(?P<prefix>\d{1,2})(?P<lat>\d{8})(?P<lon>\d{9})", re.ASCII), _isea3h),
)


def from_laea_europe(easting: float, northing: float) -> Point | None:
    """Return the place of a point on EPSG:3035, in metres, or None if it is beyond the map's edge."""
    at, east, north = radians(52), 4_321_000.0, 3_210_000.0
    pole, middle = _authalic(radians(90)), _authalic(at)
    beta = asin(middle / pole)
    radius = _AXIS * sqrt(pole / 2)
    scale = _AXIS * (cos(at) / sqrt(1 - _E2 * sin(at) ** 2)) / (radius * cos(beta))
    x, y = (easting - east) / scale, scale * (northing - north)
    rho = hypot(x, y)
    if rho > 2 * radius:
        return None
    if rho == 0:
        return Point(52.0, 10.0)
    c = 2 * asin(rho / (2 * radius))
    sine = cos(c) * sin(beta) + y * sin(c) * cos(beta) / rho
    lon = 10 + degrees(atan2(x * sin(c), rho * cos(beta) * cos(c) - y * sin(beta) * sin(c)))
    lat = asin(max(-1.0, min(1.0, sine)))
    lat += _E2 * (1 / 3 + 31 * _E2 / 180 + 517 * _E2**2 / 5040) * sin(2 * lat) + (
        _E2**2 * (23 / 360 + 251 * _E2 / 3780) * sin(4 * lat) + _E2**3 * 761 / 45360 * sin(6 * lat)
    )
    return Point(degrees(lat), _wrapped(lon))


def from_utm(zone: int, easting: float, northing: float) -> Point:
    """Return the place of a point in a zone of UTM, in metres. `northing`: from the equator, negative in the south."""
    n = _FLATTENING / (2 - _FLATTENING)
    radius = 0.9996 * _AXIS / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    xi, eta = northing / radius, (easting - 500_000) / radius
    betas = (n / 2 - 2 * n**2 / 3 + 37 * n**3 / 96, n**2 / 48 + n**3 / 15, 17 * n**3 / 480)
    xi_, eta_ = xi, eta
    for number, beta in enumerate(betas, 1):
        xi_ -= beta * sin(2 * number * xi) * cosh(2 * number * eta)
        eta_ -= beta * cos(2 * number * xi) * sinh(2 * number * eta)
    conformal = asin(sin(xi_) / cosh(eta_))
    # The latitude whose conformal one this is, by Newton's fixed point, which gains four digits a step.
    lat = conformal
    for _ in range(5):
        lat = atan(sinh(asinh(tan(conformal)) + _E * atanh(_E * sin(lat))))
    lon = 6 * zone - 183 + degrees(atan2(sinh(eta_), cos(xi_)))
    return Point(degrees(lat), _wrapped(lon))


def _authalic(lat: float) -> float:
    """Return q, from which the authalic latitude follows."""
    sine = sin(lat)
    return (1 - _E2) * (sine / (1 - _E2 * sine**2) + atanh(_E * sine) / _E)


def _wrapped(lon: float) -> float:
    return (lon + 180) % 360 - 180

"""From metres on two maps to latitude and longitude: ETRS89-LAEA Europe, and UTM. No I/O.

Lambert's azimuthal equal-area projection is inverted as in EPSG's guidance note 7-2, method 9820, and the transverse
Mercator one with Krüger's series to the third power of n, which is exact to a millimetre within a zone.
"""

from math import asin, asinh, atan, atan2, atanh, cos, cosh, degrees, hypot, radians, sin, sinh, sqrt, tan
from typing import Final, NamedTuple

_AXIS: Final = 6_378_137.0
_FLATTENING: Final = 1 / 298.257222101
"""The semi-major axis and flattening of GRS80. WGS84's differ by less than a millimetre."""

_E2: Final = _FLATTENING * (2 - _FLATTENING)
_E: Final = sqrt(_E2)


class Point(NamedTuple):
    """A place on Earth in decimal degrees, WGS84."""

    lat: float
    lon: float


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

"""The hour of the sun, by which days of all seasons and latitudes compare: it rises at 6 and sets at 18."""

from datetime import UTC, datetime
from math import acos, cos, degrees, pi, radians, sin, tan

SUNRISE = radians(90.833)
"""Zenith angle of the sun at sunrise: its upper edge is on the horizon, with the refraction of the air."""


def sun_hour(time: datetime, latitude: float, longitude: float) -> float:
    """Return the hour of the sun, 0 to 24, at a time with a zone: 6 at sunrise, 12 at noon, 18 at sunset, even between.

    Where the sun does not rise or set on the day, only noon counts. The formulas are NOAA's "General Solar Position
    Calculations" (Global Monitoring Division), good for about a minute; the two anchors are those of Vazquez et al.
    (2019), Methods in Ecology and Evolution 10: 2057.
    """
    utc = time.astimezone(UTC)
    minutes = utc.hour * 60 + utc.minute + utc.second / 60
    year = 2 * pi / 365 * (utc.timetuple().tm_yday - 1 + (minutes / 60 - 12) / 24)
    ahead = 229.18 * _series(year, (0.000075, 0), (0.001868, -0.032077), (-0.014615, -0.040849))  # minutes of a sundial
    declination = _series(year, (0.006918, 0), (-0.399912, 0.070257), (-0.006758, 0.000907), (-0.002697, 0.00148))
    angle = ((minutes + ahead + 4 * longitude) / 4) % 360 - 180  # degrees from noon
    north = radians(latitude)
    rising = cos(SUNRISE) / (cos(north) * cos(declination)) - tan(north) * tan(declination)
    half = degrees(acos(rising)) if -1 < rising < 1 else 90.0
    if abs(angle) <= half:
        return 12 + 6 * angle / half
    night = 6 * (180 - abs(angle)) / (180 - half)  # hours of the sun until, or since, midnight
    return (24 - night) % 24 if angle > 0 else night


def _series(year: float, *terms: tuple[float, float]) -> float:
    """Return a Fourier series of the time of the year: the factors of cosine and sine."""
    return sum(a * cos(number * year) + b * sin(number * year) for number, (a, b) in enumerate(terms))

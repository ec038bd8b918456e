"""The town near a place, from the list in which the page searches (database/maintain/gazetteer/listing.py)."""

import math
from functools import cache
from typing import NamedTuple

from chalicelib.api.page import WEB

_TENTHS = 10
"""Units of the list in a degree."""
FARTHEST = 150.0
"""Kilometres: beyond, a town says nothing about a place that is only known to about 110 km."""
_EARTH_RADIUS = 6371.0


class Town(NamedTuple):
    """A town of the list. `country`: ISO 3166-1 alpha-2."""

    name: str
    country: str
    latitude: float
    longitude: float
    size: int
    """The binary logarithm of the inhabitants."""


def town_near(latitude: float, longitude: float) -> Town | None:
    """Return the town that names a place best: a large one rather than a village that is a little closer."""

    def distance(town: Town) -> float:
        north = town.latitude - latitude
        east = ((town.longitude - longitude + 180) % 360 - 180) * math.cos(math.radians(latitude))
        return math.radians(math.hypot(north, east)) * _EARTH_RADIUS

    near = [(town.size - distance(town) / 25, town) for town in _towns() if distance(town) <= FARTHEST]
    return max(near)[1] if near else None


@cache
def _towns() -> tuple[Town, ...]:
    """Return the towns of the list; none if the page was not built."""
    towns, country, is_town, before = [], "", True, [0, 0, 0]
    for path in WEB.glob("places-[0-9A-Z]*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            names, tab, steps = line.partition("\t")
            if not tab:
                country = line[1:] if line.startswith("=") else country
                is_town, before = not line.startswith("+"), [0, 0, 0]
            elif is_town:
                before = [units + step for units, step in zip(before, _decoded(steps), strict=True)]
                name = names.removeprefix("~").partition("|")[0]
                towns.append(Town(name, country, before[0] / _TENTHS, before[1] / _TENTHS, before[2]))
    return tuple(towns)


def _decoded(text: str) -> list[int]:
    """Return the whole numbers in the characters of Google's encoded polylines."""
    numbers, number, shift = [], 0, 0
    for character in text:
        bits = ord(character) - 63
        number |= (bits & 31) << shift
        shift += 5
        if bits < 32:
            numbers.append(~(number >> 1) if number & 1 else number >> 1)
            number = shift = 0
    return numbers

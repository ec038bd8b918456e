"""The town near a place, from the list in which the page searches (faunalens/data/maintain/gazetteer/listing.py)."""

import math
import re
from functools import cache
from typing import NamedTuple

from chalicelib.api.page import WEB

FARTHEST = 150.0  # km; beyond, a town says nothing about a place that is only known to about 110 km
_NUMBER = re.compile(r"[_-~]*[?-^]")
"""A whole number in the characters of Google's encoded polylines: all but its last five bits are marked."""
_DEGREE = 111.2  # kilometres in a degree of latitude


class Town(NamedTuple):
    """A town. `country`: ISO 3166-1 alpha-2. `size`: the binary logarithm of its number of inhabitants."""

    name: str
    country: str
    latitude: float
    longitude: float
    size: int


def town_near(latitude: float, longitude: float) -> Town | None:
    """Return the town that names a place best: a large one rather than a village that is a little closer."""
    shrunk = math.cos(math.radians(latitude))

    def distance(town: Town) -> float:
        east = ((town.longitude - longitude + 180) % 360 - 180) * shrunk
        return _DEGREE * math.hypot(town.latitude - latitude, east)

    near = [(town.size - far / 25, town) for town in _towns() if (far := distance(town)) <= FARTHEST]
    return max(near)[1] if near else None


@cache
def _towns() -> tuple[Town, ...]:
    towns, country, is_town = [], "", True
    before: tuple[int, ...] = (0, 0, 0)
    for line in next(WEB.glob("places-[0-9A-Z]*.txt")).read_text(encoding="utf-8").splitlines():
        names, tab, steps = line.partition("\t")
        if not tab:
            country = line[1:] if line.startswith("=") else country
            is_town, before = not line.startswith("+"), (0, 0, 0)
        elif is_town:
            tenths, more, size = before = tuple(
                a + _decoded(b) for a, b in zip(before, _NUMBER.findall(steps), strict=True)
            )
            towns.append(Town(names.partition("|")[0].removeprefix("~"), country, tenths / 10, more / 10, size))
    return tuple(towns)


def _decoded(text: str) -> int:
    number = sum((ord(each) - 63 & 31) << 5 * i for i, each in enumerate(text))
    return ~(number >> 1) if number & 1 else number >> 1

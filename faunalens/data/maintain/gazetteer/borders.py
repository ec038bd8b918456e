"""Make faunalens/web/page/src/borders.json: coasts, borders and names of countries, for the page's map when zoomed in.

    python -m faunalens.data.maintain borders land-50m.json countries-50m.json countries.json

The first two files are Natural Earth as TopoJSON (github.com/topojson/topojson-specification), whose lines consist of
arcs that neighbours share. In borders.json, `rings` are coasts and `borders` are lines, each a text of whole numbers as
in listing.py: the first point and then the steps, x before y. `labels`: code, latitude and longitude of each country's
name, the largest country first.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from faunalens.data.maintain.gazetteer.listing import encode

_UNITS: Final = 20
"""Units of a degree: five kilometres or less, half a pixel of the closest look."""
_TOLERANCE: Final = 1 / _UNITS
_SOURCE: Final = (
    "Natural Earth, land and countries 1:50m (public domain), from world-atlas 2.0.2, simplified to 0.05 degrees"
)

type Line = NDArray[np.float64]
"""Longitudes and latitudes in decimal degrees: shape (points, 2)."""


def borders(land_file: Path, countries_file: Path, codes_file: Path) -> str:
    """Return the text of borders.json. `python -m faunalens.data.maintain borders --help` describes the files."""
    land, countries = (json.loads(path.read_text(encoding="utf-8")) for path in (land_file, countries_file))
    arcs, outlines = _arcs(land), land["objects"]["land"]["geometries"]
    coasts = (_ring(arcs, each) for outline in outlines for polygon in _polygons(outline) for each in polygon)
    shared, states = _arcs(countries), countries["objects"]["countries"]["geometries"]
    # An arc that one state has twice is no border. A negative number, ~arc, means that it is gone along backwards.
    used = Counter(chain.from_iterable({max(arc, ~arc) for arc in _numbers(each["arcs"])} for each in states))
    found = {
        "source": _SOURCE,
        "units_per_degree": _UNITS,
        "rings": [_steps(part) for each in coasts for part in _cut(_simplified(each)) if len(part) > 2],
        "borders": [_steps(_rounded(_simplified(shared[arc]))) for arc in sorted(used) if used[arc] > 1],
        "labels": list(_labels(shared, states, codes_file)),
    }
    return json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _labels(arcs: list[Line], states: list[Any], codes_file: Path) -> Iterator[list[Any]]:
    """Yield the code of each country, and latitude and longitude of its largest part's middle, large countries first.

    Codes are found by the number of ISO 3166-1, or by name for Kosovo, which has none. Other `states` get no label.
    """
    known = json.loads(codes_file.read_text(encoding="utf-8")).values()
    codes = {str(row[key]): row["iso"] for key in ("name", "isonumeric") for row in known}
    middles: dict[str, tuple[float, float, float]] = {}
    for state in states:
        code = codes.get(state.get("id", "").lstrip("0") or state["properties"]["name"])
        size, x, y = max(_middle(_ring(arcs, ring)) for polygon in _polygons(state) for ring in polygon)
        size *= float(np.cos(np.radians(y)))
        if code and (code not in middles or size > middles[code][0]):
            middles[code] = size, y, (x + 180) % 360 - 180
    for code, (_, *place) in sorted(middles.items(), key=lambda each: -each[1][0]):
        yield [code, *(round(degrees, 1) for degrees in place)]


def _middle(ring: Line) -> tuple[float, float, float]:
    """Return the area of a ring in square degrees, and its centre of gravity."""
    (x, y), (u, v) = ring[:-1].T, ring[1:].T
    parts = x * v - u * y
    area = float(parts.sum()) / 2
    east, north = (float((both * parts).sum()) / 6 / area for both in (x + u, y + v))
    return abs(area), east, north


def _arcs(topology: Any) -> list[Line]:
    scale, begin = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    return [np.cumsum(arc, axis=0) * scale + begin for arc in topology["arcs"]]


def _numbers(arcs: Any) -> Iterator[int]:
    for each in arcs:
        yield from [each] if isinstance(each, int) else _numbers(each)


def _polygons(geometry: Any) -> Any:
    return geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]


def _ring(arcs: list[Line], numbers: Iterable[int]) -> Line:
    """Join arcs to a closed line. Longitudes may exceed 180°; around the South Pole it also runs along latitude -90."""
    parts = [arcs[max(arc, ~arc)][:: -1 if arc < 0 else 1] for arc in numbers]
    ring = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    ring[:, 0] = np.unwrap(ring[:, 0], period=360)
    if abs(ring[-1, 0] - ring[0, 0]) > 180:
        ring = np.concatenate([ring, [[ring[-1, 0], -90], [ring[0, 0], -90], ring[0]]])
    return ring


def _simplified(line: Line) -> Line:
    """Leave out points of a line without moving it by more than the tolerance (Douglas & Peucker 1973).

    The middle point always stays, because the first and the last point of a closed line are the same.
    """
    kept = {0, len(line) // 2, len(line) - 1}
    rest = list(pairwise(sorted(kept)))
    while rest:
        first, last = rest.pop()
        if last - first < 2:
            continue
        between, (east, north) = line[first + 1 : last] - line[first], line[last] - line[first]
        length = np.hypot(east, north)
        apart = np.abs(between @ (north, -east)) / length if length else np.hypot(*between.T)
        farthest = first + 1 + int(apart.argmax())
        if apart.max() > _TOLERANCE:
            kept.add(farthest)
            rest += [(first, farthest), (farthest, last)]
    return line[sorted(kept)]


def _cut(ring: Line) -> Iterator[NDArray[np.int64]]:
    """Cut a closed line at the antimeridian. Yield parts in whole units; none repeats its first point at the end."""
    for turn in (-360, 0, 360):
        part = ring + np.array([turn, 0])
        for side in (-1, 1):
            part = _within(part, side)
        if len(part):
            rounded = _rounded(part)
            yield rounded[:-1] if len(rounded) > 1 and (rounded[0] == rounded[-1]).all() else rounded


def _within(ring: Line, side: int) -> Line:
    """Clip a closed line to longitudes below 180 degrees (`side` 1) or above -180 (`side` -1): Sutherland-Hodgman."""
    points: list[Any] = []
    for before, after in pairwise([ring[-1], *ring] if len(ring) else []):
        was_in, is_in = (side * each[0] <= 180 for each in (before, after))
        if was_in != is_in:
            share = (side * 180 - before[0]) / (after[0] - before[0])
            points.append((side * 180, before[1] + share * (after[1] - before[1])))
        if is_in:
            points.append(after)
    return np.array(points).reshape(-1, 2)


def _rounded(line: Line) -> NDArray[np.int64]:
    """Round the points of a line to whole units, and leave out each that is equal to the one before."""
    points = np.rint(line * _UNITS).astype(np.int64)
    return points[np.r_[True, (np.diff(points, axis=0) != 0).any(axis=1)]]


def _steps(points: NDArray[np.int64]) -> str:
    return "".join(map(encode, np.diff(points, axis=0, prepend=0).ravel().tolist()))

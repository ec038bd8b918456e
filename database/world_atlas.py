"""Read the country outlines of Natural Earth from the TopoJSON of the npm package `world-atlas`.

TopoJSON stores each stretch of border once, as an arc. The rings (closed outlines) of both neighbours refer to this
arc. An arc that only one ring uses is a shore. In a ring that crosses the antimeridian the longitude jumps, and
Antarctica's ring goes around the pole. Callers that join two points the short way around need no special case for this.
"""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

type Points = NDArray[np.float64]  # shape (n, 2): longitude and latitude, decimal degrees

AREAS_OF_COUNTRIES = Path(__file__).with_name("atlas_areas.csv")
PARTS_OF_COUNTRIES = Path(__file__).with_name("atlas_parts.csv")
"""Parts of a country with a code of their own or with two claimants, and a box around each part."""


class AtlasError(Exception):
    """The file is not the expected TopoJSON, or a country in it has no row in atlas_areas.csv."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A piece of land with its holes. `areas`: ISO 3166-1 alpha-2 codes; `arcs`: indices of the arcs of its outline."""

    areas: tuple[str, ...]
    arcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Atlas:
    """The outlines of all countries. `shores`: indices of the arcs that have the sea, or the Caspian, on one side."""

    arcs: tuple[Points, ...]
    polygons: tuple[Polygon, ...]
    shores: frozenset[int]


def read_atlas(path: Path) -> Atlas:
    """Read `countries-10m.json`, or a coarser file of the package. Raise `AtlasError` if the file is not TopoJSON."""
    try:
        topology = json.loads(path.read_text(encoding="utf-8"))
        arcs = tuple(_arcs(topology))
        countries = [
            (geometry["properties"]["name"], list(_polygons(geometry)))
            for geometry in topology["objects"]["countries"]["geometries"]
        ]
    except (ValueError, LookupError, TypeError) as error:
        raise AtlasError(
            f"{path} is not TopoJSON of countries ({error!r}); use a file of the npm package world-atlas"
        ) from error
    areas = {row["country"]: row["areas"] for row in _rows(AREAS_OF_COUNTRIES)}
    parts = _rows(PARTS_OF_COUNTRIES)
    if unknown := sorted({name for name, _ in countries} - areas.keys()):
        raise AtlasError(f"{AREAS_OF_COUNTRIES.name} has no row for {', '.join(unknown)}; add one for each")
    polygons = tuple(
        Polygon(tuple((_areas_at(arcs[outline[0]][0], name, parts) or areas[name]).split()), outline)
        for name, outlines in countries
        for outline in outlines
    )
    uses = Counter(arc for polygon in polygons for arc in polygon.arcs)
    return Atlas(arcs, polygons, frozenset(arc for arc, count in uses.items() if count == 1))


def _arcs(topology: dict[str, Any]) -> Iterator[Points]:
    scale, translate = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    for steps in topology["arcs"]:
        yield np.cumsum(np.array(steps), axis=0) * scale + translate


def _polygons(geometry: dict[str, Any]) -> Iterator[tuple[int, ...]]:
    """Yield the indices of each polygon's arcs, without rings and directions, which the even-odd rule does not need."""
    polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
    for rings in polygons:
        yield tuple(arc if arc >= 0 else ~arc for ring in rings for arc in ring)


def _areas_at(point: tuple[float, float], country: str, parts: list[dict[str, str]]) -> str | None:
    """Return the codes of the part of `country` in atlas_parts.csv that contains `point`; None if no part does."""
    longitude, latitude = point
    for part in parts:
        west, south, east, north = (float(part[side]) for side in ("west", "south", "east", "north"))
        if part["country"] == country and west <= longitude <= east and south <= latitude <= north:
            return part["areas"]
    return None


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

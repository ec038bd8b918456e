"""What follows from outlines of the land: cell_areas.csv, and the map of the world on which ranges are drawn.

    npm pack world-atlas && tar xzf world-atlas-*.tgz
    python -m database.maintain cell-areas package/countries-10m.json
    python -m database.maintain world-map web/page/src/world.json

A country touches a cell if its outline passes through the cell, or if the country contains the whole cell.
`cells_along` finds the cells on an outline: it asks H3 for the cell of each point. `within` finds the cells inside an
outline, by their centres. Neither clips or projects outlines, so the antimeridian and the poles are not special cases.

TopoJSON stores each stretch of border once, as an arc. The rings (closed outlines) of both neighbours refer to this
arc. An arc that only one ring uses is a shore. In a ring that crosses the antimeridian the longitude jumps, and
Antarctica's ring goes around the pole. Callers that join two points the short way around need no special case for this.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.cells import cell_of, neighbours_of, text_of
from database.areas.area_cells import grid
from database.dataset_files import DatasetError, read_rows
from database.ranges.drawings import HEIGHT, WIDTH, path_data, place_on_map
from database.ranges.outlines import Points

AREAS_OF_COUNTRIES: Final = Path(__file__).with_name("atlas_areas.csv")
PARTS_OF_COUNTRIES: Final = Path(__file__).with_name("atlas_parts.csv")
"""Parts of a country with a code of their own or with two claimants, and a box around each part."""

STEP: Final = 0.02
"""Longest step along an outline in degrees: about 2 km, while a cell is 110 km wide."""
MARGIN: Final = 0.03
"""Distance in degrees (3 km) of an outline that still touches a cell: the error of a 1:10,000,000 map."""
CASPIAN: Final = (46.5, 36.0, 55.0, 47.6)
"""West, south, east and north of what is sea in the atlas, but has no marine animals."""
_TEMPLATE: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The world</title>
<style>
.sea{{fill:#eef0e6}}.land{{fill:#cfd3bd}}.native{{fill:#2f6a3d}}.introduced{{fill:#b0651d}}
@media (prefers-color-scheme:dark){{
.sea{{fill:#1a1f19}}.land{{fill:#3d4738}}.native{{fill:#93cb9c}}.introduced{{fill:#e0a356}}
}}
</style>
<path class="sea" d="{sea}"/>
<path class="land" d="{land}"/>
</svg>
"""
"""The colours are those of web/page/src/style.css."""


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
    """Read `countries-10m.json` of the npm package `world-atlas`, or a coarser file of it. Raise `DatasetError`.

    The file must be TopoJSON, and each country in it needs a row in atlas_areas.csv.
    """
    try:
        topology = json.loads(path.read_text(encoding="utf-8"))
        arcs = tuple(_arcs(topology))
        countries = [
            (geometry["properties"]["name"], list(_polygons(geometry)))
            for geometry in topology["objects"]["countries"]["geometries"]
        ]
    except (ValueError, LookupError, TypeError) as error:
        raise DatasetError(
            f"{path} is not TopoJSON of countries ({error!r}); use a file of the npm package world-atlas"
        ) from error
    areas = {row["country"]: row["areas"] for row in read_rows(AREAS_OF_COUNTRIES)}
    parts = read_rows(PARTS_OF_COUNTRIES)
    if unknown := sorted({name for name, _ in countries} - areas.keys()):
        raise DatasetError(f"{AREAS_OF_COUNTRIES.name} has no row for {', '.join(unknown)}; add one for each")
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


def walk(arc: Points) -> Points:
    """Return points along an arc, at most `STEP` apart.

    Edges go the short way around the Earth, so longitudes may be beyond ±180.
    """
    longitude = np.unwrap(arc[:, 0], period=360)
    latitude = arc[:, 1]
    stretch = np.cos(np.radians(latitude))
    length = np.hypot(np.diff(longitude) * np.maximum(stretch[:-1], stretch[1:]), np.diff(latitude))
    distance = np.concatenate([[0.0], np.cumsum(length)])
    steps = np.unique(np.concatenate([distance, np.arange(0.0, distance[-1], STEP)]))
    return np.column_stack([np.interp(steps, distance, longitude), np.interp(steps, distance, latitude)])


def cells_along(points: Points) -> set[int]:
    """Return the cells that contain one of the points, or that are within `MARGIN` of one."""
    cells = set()
    for longitude, latitude in points.tolist():
        aside = MARGIN / max(np.cos(np.radians(latitude)), 0.01)
        cells |= {
            cell_of(latitude, longitude),
            cell_of(latitude, longitude - aside),
            cell_of(latitude, longitude + aside),
            cell_of(max(latitude - MARGIN, -90.0), longitude),
            cell_of(min(latitude + MARGIN, 90.0), longitude),
        }
    return cells


def within(points: Points, outline: Iterable[Points]) -> NDArray[np.bool_]:
    """Return a mask of the points inside an outline: shape (points,).

    Use the even-odd rule with rays to the north pole, which is in no country. The south pole may be inside an outline.
    """
    order = np.argsort(points[:, 0])
    # Twice around the globe, so that an edge across 180 finds the points on both sides.
    around = np.concatenate([points[order, 0], points[order, 0] + 360])
    latitude, numbers = np.tile(points[order, 1], 2), np.tile(order, 2)
    crossings = np.zeros(len(points), np.int64)
    for arc in outline:
        ends = np.column_stack([np.unwrap(arc[:, 0], period=360), arc[:, 1]])
        eastward = ends[:-1, :1] <= ends[1:, :1]
        west, east = np.where(eastward, ends[:-1], ends[1:]), np.where(eastward, ends[1:], ends[:-1])
        turns = np.floor((west[:, 0] + 180) / 360) * 360
        first = np.searchsorted(around, west[:, 0] - turns)
        last = np.searchsorted(around, east[:, 0] - turns)
        edge = np.repeat(np.arange(len(west)), last - first)
        met = np.arange(len(edge)) + np.repeat(first - np.cumsum(last - first) + (last - first), last - first)
        along = (around[met] + turns[edge] - west[edge, 0]) / (east[edge, 0] - west[edge, 0])
        above = west[edge, 1] + along * (east[edge, 1] - west[edge, 1]) > latitude[met]
        crossings += np.bincount(numbers[met[above]], minlength=len(points))
    return np.asarray(crossings % 2 == 1)


def cell_areas(atlas: Atlas) -> tuple[dict[int, set[str]], set[int]]:
    """Return the areas of each land cell, and the coast cells: those on a sea shore, and the sea cells next to them."""
    touched = [cells_along(walk(arc)) for arc in atlas.arcs]
    grid_cells, centres = grid()
    cells, points = grid_cells.tolist(), centres[:, ::-1]
    areas: dict[int, set[str]] = {}
    for polygon in atlas.polygons:
        inside = np.flatnonzero(within(points, (atlas.arcs[arc] for arc in polygon.arcs)))
        for cell in {cells[number] for number in inside}.union(*(touched[arc] for arc in polygon.arcs)):
            areas.setdefault(cell, set()).update(polygon.areas)

    west, south, east, north = CASPIAN
    shore: set[int] = set()
    for arc in atlas.shores:
        longitude, latitude = atlas.arcs[arc].mean(axis=0)
        if not (west <= longitude <= east and south <= latitude <= north):
            shore |= touched[arc]
    sea = {other for cell in shore for other in neighbours_of(cell) if other not in areas}
    return areas, shore | sea


def write_cell_areas(atlas: Path, output: Path) -> str:
    """Write cell_areas.csv, and return a sentence with its size. `atlas`: as for `read_atlas`."""
    areas, coast = cell_areas(read_atlas(atlas))
    lines = [
        f"{text_of(cell)},{' '.join(sorted(areas.get(cell, ())))},{cell in coast:d}\n"
        for cell in sorted(areas.keys() | coast)
    ]
    output.write_text("cell,areas,coast\n" + "".join(lines), encoding="utf-8")
    return f"{len(lines):,} cells: {len(areas):,} with areas, {len(coast):,} on the coast"


def world_svg(outlines: Path) -> str:
    """Return the map. `outlines`: world.json, whose rings are a first point and differences, longitude first."""
    world = json.loads(outlines.read_text(encoding="utf-8"))
    rings = (np.array(ring).reshape(-1, 2).cumsum(axis=0) / world["units_per_degree"] for ring in world["rings"])
    latitudes = np.arange(-90.0, 91.0, 5.0)
    east = np.stack([np.full_like(latitudes, 180.0), latitudes], axis=1)
    sea = path_data(place_on_map(np.concatenate([east, east[::-1] * (-1, 1)])))
    land = "".join(path_data(place_on_map(ring)) for ring in rings)
    return _TEMPLATE.format(width=WIDTH, height=HEIGHT, sea=sea, land=land)

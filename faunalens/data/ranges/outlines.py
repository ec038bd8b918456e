"""Find the outlines of sets of cells, and draw ranges with them: as GeoJSON, and as the paths of a small map. No I/O.

An outline has the edges of the cells, without edges between two cells of the set.
The map ends at the antimeridian, so cells there are cut in two, and cells at the poles are extended to the map's edge.
So all outlines are simple polygons, as GeoJSON demands (RFC 7946), and follow the edges of the cells exactly.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import STATUS_NAMES, Rows

type Ring = NDArray[np.intp]  # numbers of points, anticlockwise around the cells; the last joins the first
type Points = NDArray[np.float64]  # shape (n, 2): longitude and latitude, decimal degrees

_CORNERS = 6
_MAP_EDGES = (180.0, 90.0)


class Edges(NamedTuple):
    """The directed edges of all cells, anticlockwise, as parallel arrays.

    `start`, `end`: numbers of the edge's points. `cell`: position of its cell. `beside`: position of the cell on its
    other side; at the edge of the map, where there is none, the number of cells.
    """

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    cell: NDArray[np.intp]
    beside: NDArray[np.intp]


@dataclass(frozen=True)
class Outlines:
    """Finds the outlines of sets of cells. The first use computes the edges of all cells, in about half a second."""

    earth: Earth

    @cached_property
    def _net(self) -> tuple[Points, Edges]:
        return _net(self.earth)

    @cached_property
    def _edges_of(self) -> NDArray[np.intp]:
        """Return the numbers of each cell's edges: shape (most edges of a cell, cells), filled up with -1."""
        cell = self._net[1].cell
        by_cell = np.argsort(cell, kind="stable")
        place = np.arange(len(cell)) - np.searchsorted(cell[by_cell], cell[by_cell])
        numbers = np.full((place.max() + 1, len(self.earth.cells)), -1)
        numbers[place, cell[by_cell]] = by_cell
        return numbers

    @property
    def points(self) -> Points:
        """Return longitude and latitude of all points, to whose numbers rings refer. Shape (points, 2)."""
        return self._net[0]

    def rings(self, inside: NDArray[np.bool_]) -> list[Ring]:
        """Return the rings around a set of cells. `inside`: shape (cells,). Holes run clockwise."""
        edges, padded = self._net[1], np.append(inside, False)
        its = np.sort(self._edges_of[:, inside], axis=None)  # a tenth of all edges: most ranges are small
        outer = its[np.searchsorted(its, 0) :]
        outer = outer[~padded[edges.beside[outer]]]
        following = dict(zip(edges.start[outer].tolist(), edges.end[outer].tolist(), strict=True))
        rings = []
        while following:
            first, point = following.popitem()
            ring = [first]
            while point != first:  # at most two of the three cells at a point are inside, so only one edge leaves it
                ring.append(point)
                point = following.pop(point)
            rings.append(np.array(ring))
        return rings

    def polygons(self, rings: list[Ring]) -> list[list[Points]]:
        """Return the polygons: an outer ring, then those of its holes; no points within straight edges of the map."""
        by_area = sorted(((signed_area(self.points[ring]), self.points[ring]) for ring in rings), key=itemgetter(0))
        polygons = [[_without_straight(ring)] for area, ring in by_area if area > 0]
        lowest, highest = (np.array([limit(ring, axis=0) for (ring,) in polygons]) for limit in (np.min, np.max))
        for hole in (ring for area, ring in by_area if area < 0):
            may_surround = ((lowest <= hole[0]) & (highest >= hole[0])).all(axis=1)
            smallest = next(each for each in np.flatnonzero(may_surround) if _surrounds(polygons[each][0], hole[0]))
            polygons[smallest].append(hole)
        return polygons


def signed_area(ring: Points) -> float:
    """Return the area of a ring in square degrees of the plane map; negative if the ring runs clockwise."""
    x, y = ring[:, 0], ring[:, 1]
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1] + x[-1] * y[0] - x[0] * y[-1]) / 2


def _surrounds(ring: Points, point: Points) -> bool:
    """Return whether a point is inside a ring: a ray from it to the east crosses the ring an odd number of times."""
    return bool(np.count_nonzero(crossings(ring, point[1]) > point[0]) % 2)


def crossings(ring: Points, latitude: float) -> NDArray[np.float64]:
    """Return the longitudes at which a ring crosses a parallel."""
    following = np.roll(ring, -1, axis=0)
    crosses = (ring[:, 1] > latitude) != (following[:, 1] > latitude)
    (x, y), (next_x, next_y) = ring[crosses].T, following[crosses].T
    return np.asarray(x + (latitude - y) * (next_x - x) / (next_y - y))


def _without_straight(ring: Points) -> Points:
    if not (np.abs(ring) == _MAP_EDGES).any():
        return ring
    before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
    is_straight = (np.abs(ring) == _MAP_EDGES) & (before == ring) & (after == ring)
    kept: Points = ring[~is_straight.any(axis=1)]
    return kept


def _net(earth: Earth) -> tuple[Points, Edges]:
    """Return the points of all cells, and their edges."""
    cells = earth.cells.tolist()
    # Neighbours share the vertices of H3's grid exactly. Where a cell lies across an edge of the icosahedron, H3 adds
    # points to its boundary that are no vertices; without them the edge is straight for both neighbours.
    vertices = [h3.cell_to_vertexes(cell) for cell in cells]
    number = {vertex: each for each, vertex in enumerate(sorted({each for ring in vertices for each in ring}))}
    points = [h3.vertex_to_latlng(vertex)[::-1] for vertex in number]
    rings = [[number[vertex] for vertex in ring] for ring in vertices]
    grid, longitude = np.array([ring + ring[-1:] * (_CORNERS - len(ring)) for ring in rings]), np.array(points)[:, 0]
    is_cut = (np.abs(longitude[grid] - longitude[np.roll(grid, -1, axis=1)]) > 180).any(axis=1)

    start, end, cell = [grid[~is_cut].ravel()], [np.roll(grid[~is_cut], -1, axis=1).ravel()], list[NDArray[np.intp]]()
    cell.append(np.repeat(np.flatnonzero(~is_cut), _CORNERS))
    added: dict[tuple[float, float], int] = {}
    for position in np.flatnonzero(is_cut).tolist():
        for half in _cut(rings[position], points, added):
            start.append(np.array(half))
            end.append(np.roll(half, -1))
            cell.append(np.full(len(half), position))
    edges = np.stack([np.concatenate(each) for each in (start, end, cell)])
    edges = edges[:, edges[0] != edges[1]]  # a pentagon repeats its last point
    return np.array([*points, *added]), _with_neighbours(edges[0], edges[1], edges[2], len(cells))


def _with_neighbours(start: NDArray[np.intp], end: NDArray[np.intp], cell: NDArray[np.intp], outside: int) -> Edges:
    """Return the edges, each with the cell that has it in the other direction, or `outside` if there is none."""
    most = int(max(start.max(), end.max())) + 1
    there, back = start * most + end, end * most + start
    order = np.argsort(there)
    found = np.minimum(np.searchsorted(there, back, sorter=order), len(there) - 1)
    twin = order[found]
    return Edges(start, end, cell, np.where(there[twin] == back, cell[twin], outside))


def _cut(ring: list[int], points: list[tuple[float, float]], added: dict[tuple[float, float], int]) -> list[list[int]]:
    """Cut a cell's ring at the antimeridian. Return a ring on each side of it, or one ring for a cell around a pole.

    `added`: numbers of the points on the antimeridian and at the poles, which are not vertices of cells.
    """

    def number(point: tuple[float, float]) -> int:
        return added.setdefault(point, len(points) + len(added))

    steps = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    crossings = [place for place, (here, there) in enumerate(steps) if abs(points[here][0] - points[there][0]) > 180]
    if len(crossings) == 1:  # the cell contains a pole
        (last,) = crossings
        ends = _crossing(*steps[last], points)
        side, pole = ends[0][0], 90.0 if ends[0][1] > 0 else -90.0
        leaving, arriving, *corners = map(number, (*ends, (side, pole), (-side, pole)))
        return [[arriving, *ring[last + 1 :], *ring[: last + 1], leaving, *corners]]
    halves: dict[bool, list[int]] = {True: [], False: []}
    for place, (here, there) in enumerate(steps):
        is_east = points[here][0] > 0
        halves[is_east].append(here)
        if place in crossings:
            leaving, arriving = map(number, _crossing(here, there, points))
            halves[is_east].append(leaving)
            halves[not is_east].append(arriving)
    return [*halves.values()]


def _crossing(here: int, there: int, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points where an edge leaves one end of the map, and where it arrives at the other.

    Both cells at the edge get the same points, because the latitude does not depend on the direction of the edge.
    """
    (x, y), (other_x, other_y) = (points[each] for each in sorted((here, there)))
    latitude = y + (other_y - y) * (180 - abs(x)) / (360 - abs(x) - abs(other_x))
    side = 180.0 if points[here][0] > 0 else -180.0
    return [(side, latitude), (-side, latitude)]


_EQUAL_EARTH: Final = (1.340264, -0.081106, 0.000893, 0.003796)
"""Coefficients of the projection: Šavrič, Patterson & Jenny (2018), doi:10.1080/13658816.2018.1504949."""
_M: Final = np.sqrt(3) / 2
WIDTH, HEIGHT = 1000, 487
"""Size of a map in whole units, which are fine enough: a cell is two or three units wide."""
_DIGITS: Final = 2  # decimals of the degrees in outlines: 1 km


class Drawing(NamedTuple):
    """The drawings of an animal's range. `outlines`: GeoJSON. `paths`: SVG paths on the map chalicelib/world.svg."""

    animal: int
    outlines: str
    paths: str


def drawings(outlines: Outlines, ranges: Iterable[Rows]) -> Iterator[Drawing]:
    """Yield the drawings of each animal that lives somewhere. `ranges`: the rows of one animal each."""
    places = place_on_map(outlines.points)
    for rows in filter(len, ranges):
        features, paths = list[dict[str, Any]](), ""
        for here, weight, cells in _parts(rows):
            inside = np.zeros(len(outlines.earth.cells), bool)
            inside[np.searchsorted(outlines.earth.cells, cells)] = True
            rings = outlines.rings(inside)
            polygons = [[_positions(ring) for ring in polygon] for polygon in outlines.polygons(rings)]
            properties = {"here": here, "weight": weight, "cells": len(cells)}
            geometry = {"type": "MultiPolygon", "coordinates": polygons}
            features.append({"type": "Feature", "properties": properties, "geometry": geometry})
            if data := "".join(path_data(places[ring]) for ring in rings):
                paths += f'<path class="{here}" fill-opacity="{0.2 + 0.8 * weight:.2g}" d="{data}"/>'
        collection = {"type": "FeatureCollection", "features": features}
        yield Drawing(int(rows["animal"][0]), json.dumps(collection, separators=(",", ":"), allow_nan=False), paths)


def _parts(rows: Rows) -> Iterator[tuple[str, float, NDArray[np.int64]]]:
    """Yield each pair of status and weight in a range, the lowest weight first, with its cells."""
    for weight in np.unique(rows["weight"]):
        for status, here in STATUS_NAMES.items():
            cells = rows["cell"][(rows["weight"] == weight) & (rows["status"] == status)]
            if len(cells):
                yield here, round(float(weight), 3), cells


def place_on_map(points: Points) -> NDArray[np.intp]:
    """Return points (longitude, latitude) in whole units from the map's upper left corner, shape (n, 2)."""
    scale = WIDTH / 2 / float(project(np.array([[180.0, 0.0]]))[0, 0])
    return np.rint(project(points) * scale + (WIDTH / 2, HEIGHT / 2)).astype(np.intp)


def path_data(places: NDArray[np.intp]) -> str:
    """Return the data of an SVG path around a ring of places on the map; empty if the ring is too small to see."""
    distinct = np.append(True, (places[1:] != places[:-1]).any(axis=1))
    steps = np.diff(places[distinct], axis=0)
    if len(steps) < 2:
        return ""
    (x, y), words = places[0].tolist(), [f"{dx} {dy}" for dx, dy in steps.tolist()]
    return f"M{x} {y}l{' '.join(words)}z".replace(" -", "-")


def _positions(ring: Points) -> list[list[float]]:
    rounded: list[list[float]] = np.round(ring, _DIGITS).tolist()
    return [*rounded, rounded[0]]


def project(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return places on the map in the Equal Earth projection, in radii of the sphere: x to the east, y to the south.

    `points`: shape (n, 2), longitude and latitude in decimal degrees. The map is 5.41 wide and 2.63 high, with (0, 0)
    in its middle. faunalens/web/page/src/projection.js draws the page's map with the same projection.
    """
    a = _EQUAL_EARTH
    longitude, latitude = np.radians(points[:, 0]), np.radians(points[:, 1])
    t = np.arcsin(_M * np.sin(latitude))
    slope = a[0] + 3 * a[1] * t**2 + t**6 * (7 * a[2] + 9 * a[3] * t**2)
    height = t * (a[0] + a[1] * t**2 + t**6 * (a[2] + a[3] * t**2))
    return np.stack([longitude * np.cos(t) / (_M * slope), -height], axis=1)

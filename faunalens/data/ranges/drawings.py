"""Draw the range of an animal as GeoJSON, and as the paths of a small map. No I/O."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faunalens.data.cell_animals import Rows
from faunalens.data.ranges.cell_weights import STATUS_NAMES
from faunalens.data.ranges.outlines import Outlines, Points

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

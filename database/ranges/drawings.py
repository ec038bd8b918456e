"""A range as GeoJSON, and as the paths of a small map. No I/O."""

import json
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from database.cell_animals import Rows
from database.ranges.cell_weights import STATUS_NAMES
from database.ranges.outlines import Outlines, Points
from database.ranges.projection import project

WIDTH: Final = 1000
"""Width of a map in whole units, which are fine enough: a cell is two or three units wide."""
HEIGHT: Final = 487
_SCALE: Final = WIDTH / 2 / float(project(np.array([[180.0, 0.0]]))[0, 0])
_DIGITS: Final = 2  # of degrees: 1 km


class Drawing(NamedTuple):
    """The drawings of an animal's range. `outlines`: GeoJSON. `paths`: SVG, for `chalicelib/api/world.svg`."""

    animal: int
    outlines: str
    paths: str


def drawings(ranges: Iterable[Rows], outlines: Outlines) -> Iterator[Drawing]:
    """Yield the drawings of each animal. `ranges`: the rows of one animal each."""
    for rows in ranges:
        if len(rows):
            yield Drawing(int(rows["animal"][0]), geojson(rows, outlines), svg_paths(rows, outlines))


def geojson(rows: Rows, outlines: Outlines) -> str:
    """Return the outlines of a range as a GeoJSON FeatureCollection with one feature for each status and weight.

    `rows`: the rows of one animal. Properties of a feature: `here`, `weight` and `cells`, the number of cells. A
    MultiPolygon follows the edges of the cells.
    """
    features = [
        {
            "type": "Feature",
            "properties": {"here": STATUS_NAMES[status], "weight": weight, "cells": int(inside.sum())},
            "geometry": {
                "type": "MultiPolygon",
                "coordinates": [[_positions(ring) for ring in polygon] for polygon in outlines.polygons(inside)],
            },
        }
        for status, weight, inside in _classes(rows, outlines)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))


def svg_paths(rows: Rows, outlines: Outlines) -> str:
    """Return one SVG path for each status and weight of a range, on a map of `WIDTH` × `HEIGHT`."""
    return "".join(
        f'<path class="{STATUS_NAMES[status]}" fill-opacity="{0.2 + 0.8 * weight:.2g}" d="{path}"/>'
        for status, weight, inside in _classes(rows, outlines)
        if (path := svg_path(outlines.points[ring] for ring in outlines.rings(inside)))
    )


def svg_path(rings: Iterable[Points]) -> str:
    """Return the data of an SVG path of closed rings, in longitude and latitude."""
    return "".join(map(_svg_ring, rings))


def _classes(rows: Rows, outlines: Outlines) -> Iterator[tuple[int, float, NDArray[np.bool_]]]:
    """Yield each status and weight of a range with its cells, the lowest weight first."""
    positions = outlines.earth.positions(rows["cell"].tolist())
    for weight, status in np.unique(rows[["weight", "status"]]).tolist():
        inside = np.zeros(len(outlines.earth.cells), bool)
        inside[positions[(rows["weight"] == np.float32(weight)) & (rows["status"] == status)]] = True
        yield status, round(weight, 3), inside


def _positions(ring: Points) -> list[list[float]]:
    rounded: list[list[float]] = np.round(ring, _DIGITS).tolist()
    return [*rounded, rounded[0]]


def _svg_ring(ring: Points) -> str:
    places = np.rint(project(ring) * _SCALE + (WIDTH / 2, HEIGHT / 2)).astype(int)
    places = places[(places != np.roll(places, 1, axis=0)).any(axis=1)]  # points that became the same
    if len(places) < 3:
        return ""
    steps = np.diff(places, axis=0)
    (x, y), words = places[0].tolist(), [f"{dx} {dy}" for dx, dy in steps.tolist()]
    return f"M{x} {y}l{' '.join(words)}z".replace(" -", "-")

"""Draws the page's outline of the world: Natural Earth's land, 1:110 million, as small integers.

    npm pack world-atlas@2.0.2 && tar -xzf world-atlas-2.0.2.tgz
    python -m local.outline package/land-110m.json > chalicelib/web/world.json

The result is committed, so this runs only to change it. Natural Earth is in the public domain.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

SOURCE = "Natural Earth, land 1:110m (public domain), from world-atlas 2.0.2"
UNITS_PER_DEGREE = 10
"""A tenth of a degree is a third of a pixel on a map of 1,200 pixels, and what the 1:110m outline is good for."""

WORLD = 360 * UNITS_PER_DEGREE

Point = tuple[int, int]


def rings_of(topology: dict[str, Any], name: str) -> Iterator[list[Point]]:
    """Closed rings of an object of polygons in a quantized TopoJSON, as (longitude, latitude) in tenths of a degree.

    Points that fall together after rounding are merged; a ring of fewer than three points is dropped.
    Format: the TopoJSON specification, sections 2.1.3 (transforms) and 2.1.4 (arcs).
    """
    arcs = [_decode(arc, topology["transform"]) for arc in topology["arcs"]]
    for geometry in topology["objects"][name]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            for ring in polygon:
                points = _stitch(ring, arcs)
                if len(points) > 3:
                    yield from cut(points[:-1])


def cut(ring: Sequence[Point]) -> Iterator[list[Point]]:
    """A ring in the pieces that lie on one sheet of the map, cut where it crosses the antimeridian.

    A ring around a pole comes cut along the edge of the map already, and stays whole.

    >>> list(cut([(1790, 0), (-1790, 0), (-1790, 20), (1790, 20)]))
    [[(1790, 0), (1800, 0), (1800, 20), (1790, 20)], [(-1800, 20), (-1800, 0), (-1790, 0), (-1790, 20)]]
    """
    unwrapped, offset = [ring[0]], 0
    for (before, _), (x, y) in pairwise(ring):
        offset -= round((x - before) / WORLD) * WORLD
        unwrapped.append((x + offset, y))
    first, last = unwrapped[0][0], unwrapped[-1][0]
    if (not offset and max(x for x, _ in ring) - min(x for x, _ in ring) == WORLD) or abs(last - first) > WORLD // 2:
        yield list(ring)
        return
    for shift in (0, WORLD, -WORLD):
        piece = [(x + shift, y) for x, y in unwrapped]
        piece = _mirror(_west_of_edge(_mirror(_west_of_edge(piece))))
        if len(piece) > 2:
            yield piece


def _west_of_edge(ring: Sequence[Point]) -> list[Point]:
    """What of a ring lies west of 180° (Sutherland and Hodgman 1974: one edge of their clipping)."""
    edge, kept = WORLD // 2, list[Point]()
    for (before_x, before_y), (x, y) in zip([ring[-1], *ring], ring, strict=False) if ring else ():
        if (before_x > edge) != (x > edge):
            kept.append((edge, round(before_y + (y - before_y) * (edge - before_x) / (x - before_x))))
        if x <= edge:
            kept.append((x, y))
    return [point for i, point in enumerate(kept) if point != kept[i - 1]]


def _mirror(ring: Sequence[Point]) -> list[Point]:
    return [(-x, y) for x, y in ring]


def steps_of(ring: Sequence[Point]) -> list[int]:
    """A ring as one flat list: its first point, then the step from each point to the next (small numbers, small file).

    >>> steps_of([(10, 20), (11, 18)])
    [10, 20, 1, -2]
    """
    steps = [*ring[0]]
    for (x, y), (next_x, next_y) in pairwise(ring):
        steps += [next_x - x, next_y - y]
    return steps


def _decode(arc: Sequence[Sequence[int]], transform: dict[str, list[float]]) -> list[Point]:
    (scale_x, scale_y), (left, bottom) = transform["scale"], transform["translate"]
    points, x, y = [], 0, 0
    for step_x, step_y in arc:
        x, y = x + step_x, y + step_y
        longitude, latitude = x * scale_x + left, y * scale_y + bottom
        points.append((round(longitude * UNITS_PER_DEGREE), round(latitude * UNITS_PER_DEGREE)))
    return points


def _stitch(indices: Sequence[int], arcs: Sequence[Sequence[Point]]) -> list[Point]:
    points: list[Point] = []
    for index in indices:
        arc = arcs[index] if index >= 0 else arcs[~index][::-1]
        points += [point for i, point in enumerate(arc) if point != (arc[i - 1] if i else points[-1:] and points[-1])]
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the outline of the world as JSON.")
    parser.add_argument("topology", type=Path, help="land-110m.json of the npm package world-atlas")
    topology = json.loads(parser.parse_args().topology.read_text())
    rings = [steps_of(ring) for ring in rings_of(topology, "land")]
    json.dump(
        {"source": SOURCE, "units_per_degree": UNITS_PER_DEGREE, "rings": rings}, sys.stdout, separators=(",", ":")
    )


if __name__ == "__main__":
    main()

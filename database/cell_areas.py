"""Compute the countries that touch each cell, and the cells on a coast; write database/cell_areas.csv.

    npm pack world-atlas && tar xzf world-atlas-*.tgz
    python -m database.cell_areas package/countries-10m.json

A country touches a cell if its outline passes through the cell, or if the country contains the whole cell.
`cells_along` finds the cells on an outline: it asks H3 for the cell of each point. `within` finds the cells inside an
outline, by their centres. Neither clips or projects outlines, so the antimeridian and the poles are not special cases.
"""

import argparse
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from chalicelib.features.cells import RESOLUTION, cell_of, neighbours_of, text_of
from database.world_atlas import Atlas, AtlasError, Points, read_atlas

OUTPUT = Path(__file__).with_name("cell_areas.csv")

STEP = 0.02  # longest step along an outline, in degrees: about 2 km, while a cell is 110 km wide

MARGIN = 0.03  # distance of an outline that still touches a cell, degrees (3 km): the error of a 1:10,000,000 map
CASPIAN = (46.5, 36.0, 55.0, 47.6)  # west, south, east, north; sea in the atlas, but without marine animals

type Cells = set[int]


@cache
def all_cells() -> tuple[list[int], Points]:
    """Return every cell on Earth, sorted, and their centres."""
    cells = sorted(cell for base in h3.get_res0_cells() for cell in h3.cell_to_children(base, RESOLUTION))
    return cells, np.array([h3.cell_to_latlng(cell)[::-1] for cell in cells])


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


def cells_along(points: Points) -> Cells:
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


def cell_areas(atlas: Atlas) -> tuple[dict[int, set[str]], Cells]:
    """Return the areas of each land cell, and the coast cells: those on a sea shore, and the sea cells next to them."""
    touched = [cells_along(walk(arc)) for arc in atlas.arcs]
    cells, centers = all_cells()
    areas: dict[int, set[str]] = {}
    for polygon in atlas.polygons:
        inside = np.flatnonzero(within(centers, (atlas.arcs[arc] for arc in polygon.arcs)))
        for cell in {cells[number] for number in inside}.union(*(touched[arc] for arc in polygon.arcs)):
            areas.setdefault(cell, set()).update(polygon.areas)

    west, south, east, north = CASPIAN
    shore: Cells = set()
    for arc in atlas.shores:
        longitude, latitude = atlas.arcs[arc].mean(axis=0)
        if not (west <= longitude <= east and south <= latitude <= north):
            shore |= touched[arc]
    sea = {other for cell in shore for other in neighbours_of(cell) if other not in areas}
    return areas, shore | sea


def main(arguments: list[str] | None = None) -> None:
    """Write cell_areas.csv and print its size."""
    description = "Compute cell_areas.csv from country outlines."
    parser = argparse.ArgumentParser(prog="python -m database.cell_areas", description=description)
    parser.add_argument("atlas", type=Path, help="countries-10m.json of the npm package world-atlas")
    text = "file to write (default: %(default)s)"
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE", help=text)
    options = parser.parse_args(arguments)

    try:
        atlas = read_atlas(options.atlas)
    except (AtlasError, OSError) as error:
        parser.exit(1, f"error: {error}\n")
    areas, coast = cell_areas(atlas)
    lines = [
        f"{text_of(cell)},{' '.join(sorted(areas.get(cell, ())))},{cell in coast:d}\n"
        for cell in sorted(areas.keys() | coast)
    ]
    options.output.write_text("cell,areas,coast\n" + "".join(lines), encoding="utf-8")
    print(f"{len(lines):,} cells: {len(areas):,} with areas, {len(coast):,} on the coast")


if __name__ == "__main__":
    main()

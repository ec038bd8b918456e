"""Coasts, borders and names of countries from TopoJSON."""

import json
from itertools import accumulate
from pathlib import Path
from typing import Any

from faunalens.data.maintain.__main__ import main
from tests.unit.faunalens.web.page.test_world import numbers

WEST, EAST = [[170, 0], [0, 10], [9, 0]], [[179, 10], [2, 0], [8, 0], [0, -10], [-10, 0]]
"""Arcs, each a point and the steps after it: of a country before the antimeridian, and of its neighbour across it."""
SHARED, SOUTH = [[179, 10], [0, -10]], [[179, 0], [-9, 0]]


def _topology(name: str, arcs: list[Any], *geometries: Any) -> dict[str, Any]:
    whole = {"type": "GeometryCollection", "geometries": list(geometries)}
    return {"transform": {"scale": [1, 1], "translate": [0, 0]}, "arcs": arcs, "objects": {name: whole}}


def test_coasts_are_cut_at_the_antimeridian_and_neighbours_share_a_border(tmp_path: Path) -> None:
    # GIVEN two countries, one of them on both sides of the antimeridian, and land around the pole
    pole = [[-180, -80], [90, 0], [90, 10], [90, 0], [90, -10]]
    land = _topology("land", [WEST, EAST, SOUTH, pole], {"type": "MultiPolygon", "arcs": [[[0, 1, 2]], [[3]]]})
    states = _topology(
        "countries",
        [WEST, SHARED, SOUTH, EAST, [[10, 50], [5, 0], [0, 5], [-5, -5]]],
        {"type": "Polygon", "id": "040", "properties": {"name": "First"}, "arcs": [[0, 1, 2]]},
        {"type": "Polygon", "properties": {"name": "Second"}, "arcs": [[3, -2]]},
        {"type": "Polygon", "properties": {"name": "Without a code"}, "arcs": [[4]]},
    )
    codes = {
        "FI": {"name": "Else", "isonumeric": 40, "iso": "FI"},
        "SE": {"name": "Second", "isonumeric": 0, "iso": "SE"},
    }
    files = [tmp_path / f"{each}.json" for each in ("land", "countries", "codes")]
    for file, content in zip(files, (land, states, codes), strict=True):
        file.write_text(json.dumps(content))
    # WHEN the file is made
    output = tmp_path / "borders.json"
    assert main(["borders", *map(str, files), "--output", str(output)]) == 0
    made = json.loads(output.read_text())
    # THEN land ends at the antimeridian and goes on beyond it, and that around the pole ends at the edge of the map
    rings = [[list(accumulate(each[axis::2])) for axis in (0, 1)] for each in numbers(made["rings"])]
    limits = [(min(x) / 20, max(x) / 20, min(y) / 20, max(y) / 20) for x, y in rings]
    assert limits == [(-180, -171, 0, 10), (170, 180, 0, 10), (-180, 180, -90, -70)]
    # AND the shared line is a border, and names stand in the middle, that of the larger first
    assert numbers(made["borders"]) == [[3580, 200, 0, -200]]
    assert made["labels"] == [["SE", 5.0, -176.0], ["FI", 5.0, 174.5]]

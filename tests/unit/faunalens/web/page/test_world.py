"""The outlines of the world, cut at the antimeridian so that no land is smeared across the map."""

import json
from itertools import accumulate, pairwise
from typing import Any

import pytest

from chalicelib.config.settings import ROOT
from tests.unit.faunalens.web.page.node import run

SOURCES = ROOT / "faunalens" / "web" / "page" / "src"


def numbers(rings: list[Any]) -> list[list[int]]:
    """The whole numbers of rings, which borders.json has as text: src/polyline.js says how."""
    return run(*(("polyline.js", "decode", ring) for ring in rings)) if isinstance(rings[0], str) else rings


@pytest.mark.parametrize("name", ["world", "borders"])
def test_the_outline_has_no_line_across_the_map(name: str) -> None:
    # GIVEN the committed outline: each ring is its first point, then the step to each next point
    world = json.loads((SOURCES / f"{name}.json").read_text(encoding="utf-8"))
    degree = world["units_per_degree"]
    assert len(world["rings"]) > 100
    for steps in numbers(world["rings"]):
        points = list(zip(accumulate(steps[::2]), accumulate(steps[1::2]), strict=True))
        # THEN every point lies on the map
        assert all(abs(x) <= 180 * degree and abs(y) <= 90 * degree for x, y in points)
        # AND only Antarctica has long lines, along the edge of the map
        for (before, latitude), (after, _) in pairwise([*points, points[0]]):
            assert abs(after - before) < 90 * degree or latitude < -80 * degree


def test_the_names_of_countries_stand_in_them() -> None:
    places = {code: place for code, *place in json.loads((SOURCES / "borders.json").read_text())["labels"]}
    assert all(abs(latitude) <= 90 and abs(longitude) <= 180 for latitude, longitude in places.values())
    # Russia and Fiji reach beyond the antimeridian, and Antarctica around the pole
    assert places["RU"] == [61.7, 99.7]
    assert places["FJ"] == [-17.8, 178]
    assert places["AQ"][0] < -75

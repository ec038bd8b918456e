"""The outline of the world: cut at the edge of the map, so that no land is smeared across it."""

import json
from itertools import pairwise

from chalicelib.api.page import WEB
from local.outline import UNITS_PER_DEGREE, WORLD, cut

HALF = WORLD // 2


def test_a_ring_away_from_the_edge_stays_as_it_is() -> None:
    ring = [(0, 0), (100, 0), (100, 100), (0, 100)]
    assert list(cut(ring)) == [ring]


def test_a_ring_across_the_antimeridian_becomes_two_that_touch_it() -> None:
    # GIVEN a square around 180°; WHEN cut
    east, west = cut([(1790, 0), (-1790, 0), (-1790, 20), (1790, 20)])
    # THEN one piece ends at +180° and the other begins at -180°
    assert sorted(east) == [(1790, 0), (1790, 20), (1800, 0), (1800, 20)]
    assert sorted(west) == [(-1800, 0), (-1800, 20), (-1790, 0), (-1790, 20)]


def test_a_ring_around_a_pole_stays_whole() -> None:
    ring = [(-1800, -900), (-1800, -800), (0, -700), (1800, -800), (1800, -900)]
    assert list(cut(ring)) == [ring]


def test_the_outline_of_the_page_has_no_line_across_the_map() -> None:
    world = json.loads((WEB / "world.json").read_text(encoding="utf-8"))
    for steps in world["rings"]:
        x, y = steps[:2]
        points = [(x, y)]
        for step_x, step_y in zip(steps[2::2], steps[3::2], strict=True):
            x, y = x + step_x, y + step_y
            points.append((x, y))
        assert all(-HALF <= x <= HALF for x, _ in points)
        for (before, latitude), (after, _) in pairwise([*points, points[0]]):
            assert abs(after - before) < 90 * UNITS_PER_DEGREE or latitude < -80 * UNITS_PER_DEGREE

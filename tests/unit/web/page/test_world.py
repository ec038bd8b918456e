"""The outline of the world, cut at the antimeridian so that no land is smeared across the map."""

import json
from itertools import accumulate, pairwise

from chalicelib.config.settings import ROOT


def test_the_outline_has_no_line_across_the_map() -> None:
    # GIVEN the committed outline: each ring is its first point, then the step to each next point
    world = json.loads((ROOT / "web/page/src/world.json").read_text(encoding="utf-8"))
    degree = world["units_per_degree"]
    assert len(world["rings"]) > 100
    for steps in world["rings"]:
        points = list(zip(accumulate(steps[::2]), accumulate(steps[1::2]), strict=True))
        # THEN every point lies on the map
        assert all(abs(x) <= 180 * degree and abs(y) <= 90 * degree for x, y in points)
        # AND only Antarctica has long lines, along the edge of the map
        for (before, latitude), (after, _) in pairwise([*points, points[0]]):
            assert abs(after - before) < 90 * degree or latitude < -80 * degree

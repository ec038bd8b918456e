"""Coasts and borders for the map of a report of the command: Natural Earth's, with as few points as look right.

npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
python -m database.maintain coasts package/countries-50m.json
"""

import json
from pathlib import Path
from typing import Final

import numpy as np

from database.maintain.gazetteer.listing import encode
from database.maintain.world import read_atlas
from database.ranges.outlines import Points

UNITS: Final = 20
"""Units in a degree: 5.6 km, as far apart as the outlines may be from those of the atlas."""
TOLERANCE: Final = 0.07
"""Degrees that a line may leave the atlas's; 0.07 makes a file of 56 kB."""
SMALLEST: Final = 0.2
"""Degrees that an island has to measure."""


def coast_lines(path: Path) -> str:
    """Return JSON with the coasts and borders of an atlas, as `read_atlas` takes it.

    Each line is the longitude and latitude of its first point and then differences, in `UNITS`, as a polyline.
    """
    atlas = read_atlas(path)
    lines: dict[str, list[str]] = {"coasts": [], "borders": []}
    for number, arc in enumerate(atlas.arcs):
        is_island = np.array_equal(arc[0], arc[-1])
        if is_island and np.hypot(*np.ptp(arc, axis=0)) < SMALLEST:
            continue
        points = np.rint(simplified(arc, TOLERANCE) * UNITS).astype(int)
        steps = np.diff(points, axis=0, prepend=[[0, 0]])
        moved = steps[np.any(steps != 0, axis=1)]
        lines["coasts" if number in atlas.shores else "borders"].append("".join(map(encode, moved.ravel().tolist())))
    source = "Natural Earth 1:50m, public domain, through world-atlas 2.0.2"
    return json.dumps({"source": source, "units_per_degree": UNITS, **lines}, allow_nan=False, separators=(",", ":"))


def simplified(line: Points, tolerance: float) -> Points:
    """Return the points of a line that Douglas and Peucker (1973) keep: no other is farther away than `tolerance`."""
    between, along = line[1:-1] - line[0], line[-1] - line[0]
    length = np.hypot(*along)  # 0 of a ring: then the distance from its first point counts
    away = np.abs(between[:, 1] * along[0] - between[:, 0] * along[1]) / length if length else np.hypot(*between.T)
    if not len(away) or away.max() <= tolerance:
        return line[[0, -1]]
    middle = int(away.argmax()) + 1
    return np.concatenate([simplified(line[: middle + 1], tolerance), simplified(line[middle:], tolerance)[1:]])

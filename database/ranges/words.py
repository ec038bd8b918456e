"""A range in plain words, and a small map of it, for `python -m database explain`."""

from collections.abc import Mapping

import numpy as np

from database.areas.area_cells import LAND, Earth
from database.ranges.cell_weights import INTRODUCED, CellWeights
from database.ranges.language import Area, Areas, Chain, Limit, Overlap, Range, Union
from database.ranges.statement import Statement

_COMPASS = {"lat": ("N", "S"), "lon": ("E", "W")}
_SIDES = {("lat", "<="): "south of", ("lat", ">="): "north of", ("lon", "<="): "west of", ("lon", ">="): "east of"}
WIDTH, HEIGHT = 120, 36
"""Characters of the map: 3° of longitude and 5° of latitude each."""


def in_words(statement: Range, names: Mapping[str, str]) -> str:
    """Return a range in words. `names`: name of each code.

    >>> from database.ranges.language import parse
    >>> in_words(parse("AU - AU-TAS ; lat >= -30.5"), {"AU": "Australia", "AU-TAS": "Tasmania"})
    'Australia without Tasmania, north of 30.5° S'
    """
    limits = [_limit(each) for each in statement.limits]
    return ", ".join([_areas(statement.areas, names), *limits])


def describe(statement: Statement, names: Mapping[str, str]) -> str:
    """Return a statement as one line: its status, range, doubts, season and note."""
    words = in_words(statement.range, names)
    start = f"{statement.status} somewhere within" if statement.extent == "within" else statement.status
    details = [statement.season, "in doubt" if statement.certainty == "doubt" else "", statement.note]
    more = "; ".join(filter(None, details))
    return f"{start}: {words}" + (f" ({more})" if more else "")


def drawn(found: CellWeights, earth: Earth) -> str:
    """Return a map of the world: `#` lives here, `+` in part or near, `o` introduced, `·` other land."""
    rows = np.clip(((90 - earth.latitude) / 180 * HEIGHT).astype(int), 0, HEIGHT - 1)
    columns = np.clip(((earth.longitude + 180) / 360 * WIDTH).astype(int), 0, WIDTH - 1)
    image = np.full((HEIGHT, WIDTH), " ")
    native = found.status != INTRODUCED
    marks = [
        ("·", earth.realm[LAND]),
        ("+", (found.weights > 0) & native),
        ("o", (found.weights > 0) & ~native),
        ("#", (found.weights == 1) & native),
    ]
    for mark, cells in marks:
        image[rows[cells], columns[cells]] = mark
    return "\n".join("".join(row).rstrip() for row in image)


def _areas(areas: Areas, names: Mapping[str, str]) -> str:
    match areas:
        case Area(name=name):
            return names.get(name, name.replace("-", " "))
        case Union(areas=several):
            return ", ".join(_areas(each, names) for each in several)
        case Overlap(areas=several):
            return " where also ".join(_areas(each, names) for each in several)
        case Chain(first=first, rest=rest):
            steps = (f" {'and' if is_added else 'without'} {_areas(each, names)}" for is_added, each in rest)
            return _areas(first, names) + "".join(steps)


def _limit(limit: Limit) -> str:
    positive, negative = _COMPASS[limit.axis]
    return f"{_SIDES[limit.axis, limit.sign]} {abs(limit.degrees):g}° {positive if limit.degrees >= 0 else negative}"

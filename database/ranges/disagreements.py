"""Where a range and the evidence of independent sources disagree. No I/O.

unlisted    the evidence has an area in which the taxon is not listed
reach       the range does not reach the latitudes of the evidence
beyond      the range goes beyond the latitudes of the evidence
centroid    the centre of the evidence's range is outside
size        the range is far larger or smaller than the evidence's
gap         a cell is left out although the taxon lives in all cells around it
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from database.areas.area_cells import LAND, SEA, Cells, Earth
from database.ranges.cell_weights import INTRODUCED, LISTED, CellWeights

CELL_KM2: Final = 12_400.0
"""Mean area of a cell: https://h3geo.org/docs/core-library/restable."""
REACH: Final = 4.0
"""Degrees by which a range may fall short of the evidence's latitudes: three cells."""
BEYOND: Final = {"sedentary": 6.0, "partially migratory": 12.0}
"""Degrees by which a range may go beyond the evidence's latitudes, which are those of breeding, by migration."""
BEYOND_MIGRANT: Final = 90.0
SIZES: Final = (0.4, 6.0)
"""Smallest and largest size of a range, divided by the evidence's. States are larger than what lies in them."""
SMALL_KM2: Final = 200_000.0
"""Ranges below this size are smaller than the units of the language, so their sizes are not compared."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a source says about a taxon's range. Values that it does not give are None.

    `south`, `north`: limits in degrees. `centre`: latitude and longitude. `km2`: area. `migration`: AVONET's word.
    `areas`: areas in which it lives.
    """

    taxon: str
    source: str
    south: float | None
    north: float | None
    centre: tuple[float, float] | None
    km2: float | None
    migration: str
    areas: tuple[str, ...]


class Disagreement(NamedTuple):
    """A disagreement. `check`: one of the words above."""

    taxon: str
    check: str
    source: str
    detail: str


def disagreements(
    evidence: Evidence,
    found: CellWeights,
    earth: Earth,
    named: Callable[[str], Cells],
    position_of: Callable[[tuple[float, float]], int],
) -> Iterator[Disagreement]:
    """Yield all disagreements between a range and the evidence of one source.

    `named`: returns the cells of an area. `position_of`: returns the position of a place's cell.
    """
    listed = found.weights >= LISTED
    native = (found.weights == 1) & (found.status != INTRODUCED)

    def differs(check: str, detail: str) -> Disagreement:
        return Disagreement(evidence.taxon, check, evidence.source, detail)

    missing = [area for area in evidence.areas if not (named(area).any(axis=0) & listed).any()]
    if missing:
        yield differs("unlisted", " ".join(missing))
    if evidence.south is not None and evidence.north is not None and native.any():
        south, north = float(earth.latitude[native].min()), float(earth.latitude[native].max())
        limits = f"{evidence.south:.0f}° to {evidence.north:.0f}°, the range {south:.0f}° to {north:.0f}°"
        if south > evidence.south + REACH or north < evidence.north - REACH:
            yield differs("reach", limits)
        spare = BEYOND.get(evidence.migration, BEYOND_MIGRANT)
        if south < evidence.south - spare or north > evidence.north + spare:
            yield differs("beyond", limits)
    if evidence.centre is not None:
        position = position_of(evidence.centre)
        if earth.realm[LAND, position] and not listed[position]:
            yield differs("centroid", f"{evidence.centre[0]:.1f}, {evidence.centre[1]:.1f}")
    if evidence.km2 is not None and evidence.km2 >= SMALL_KM2 and evidence.migration == "sedentary":
        size = float(native.sum()) * CELL_KM2 / evidence.km2
        if not SIZES[0] <= size <= SIZES[1]:
            yield differs("size", f"{size:.1f} times the source's {evidence.km2 / 1e6:.2f} million km²")


def gaps(found: CellWeights, earth: Earth) -> NDArray[np.intp]:
    """Return the positions of cells that are left out although the taxon surely lives in all cells around them.

    Only inland gaps count, since the inland cell of a small island is no gap of a coastal bird. Of a taxon that lives
    nowhere inland, only gaps in the sea count.
    """
    sure = found.weights == 1
    inland = sure & ~earth.realm[SEA]
    inside, realm = (inland, LAND) if inland.any() else (sure, SEA)
    surrounded = inside[earth.neighbours].all(axis=1) & earth.realm[realm]
    return np.flatnonzero(surrounded & (found.weights < LISTED))

"""Compute the weight of a taxon in each cell from the statements about its range and from its range map. No I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faunalens.data.areas.area_cells import Cells, Earth
from faunalens.data.ranges.language import Range
from faunalens.data.ranges.statement import Statement

NATIVE: Final = 1
INTRODUCED: Final = 2
STATUS_NAMES: Final = {NATIVE: "native", INTRODUCED: "introduced"}


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights that a taxon can have in a cell: above 0, and at most 1.

    `beside`: in the cells next to its range. `near`: up to three cells away from its range map, whose edges are less
    certain than the edges of areas. A range map does not spill over into areas that no statement names.
    docs/reference/database.md explains the values.
    """

    native: float = 1.0
    beside: float = 0.5
    near: float = 0.15
    doubt: float = 0.5
    introduced: float = 0.5


WEIGHTS: Final = Weights()
LISTED: Final = 0.1
"""A taxon counts as listed in a cell from this weight on."""
_NEAR_RINGS = 3


class CellWeights(NamedTuple):
    """The cells where a taxon lives. `weights`: shape (cells,), float32, 0 where it does not live.

    `status`: shape (cells,), uint8, `NATIVE` or `INTRODUCED`, and 0 where the weight is 0.
    """

    weights: NDArray[np.float32]
    status: NDArray[np.uint8]


def cell_weights(
    statements: Iterable[Statement],
    cells_of: Callable[[Range], Cells],
    earth: Earth,
    mapped: NDArray[np.intp] | None = None,
) -> CellWeights:
    """Return the weight and status of a taxon in every cell.

    `cells_of`: returns the cells of a range. `mapped`: positions of the cells on the taxon's range map. The map counts
    only where a statement says that the taxon lives `within` an area; without a map, such an area counts as a whole.
    """
    kinds = ("native", "within", "doubt", "introduced", "absent")
    found = {name: np.zeros((2, len(earth.cells)), bool) for name in kinds}
    for each in statements:
        if each.status in ("introduced", "absent"):
            name = each.status
        elif each.certainty == "doubt":
            name = "doubt"
        else:
            name = "within" if each.extent == "within" else "native"
        if each.status != "vagrant":
            found[name] |= cells_of(each.range)
    areas, result = found["native"], np.zeros(len(earth.cells), np.float32)
    on_map = np.zeros_like(areas)
    if mapped is None:
        areas = areas | found["within"]
    else:
        on_map[:, mapped] = earth.realm[:, mapped]
        on_map &= found["within"]
    core = areas | on_map

    elsewhere = ~found["absent"]
    near = earth.grown(on_map, _NEAR_RINGS) & found["within"] & elsewhere
    beside = (earth.grown(areas) | earth.grown(on_map) & found["within"]) & elsewhere
    tiers = (
        (near, WEIGHTS.near),
        (found["introduced"], WEIGHTS.introduced),
        (found["doubt"] & elsewhere, WEIGHTS.doubt),
        (beside, WEIGHTS.beside),
        (core, WEIGHTS.native),
    )
    for cells, weight in tiers:
        np.maximum(result, np.float32(weight), out=result, where=cells.any(axis=0))
    introduced = found["introduced"].any(axis=0) & ~(core | found["doubt"]).any(axis=0)
    status = np.where(introduced, INTRODUCED, NATIVE).astype(np.uint8)
    return CellWeights(result, np.where(result > 0, status, 0).astype(np.uint8))

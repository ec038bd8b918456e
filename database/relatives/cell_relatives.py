"""Compute which relatives of the model's animals live in each cell. No I/O."""

from collections.abc import Mapping, Sequence

import numpy as np

from database.areas.area_cells import AreaCells
from database.ranges.statement import Statement


def cell_relatives(
    numbers: Mapping[str, int], statements: Mapping[str, Sequence[Statement]], areas: AreaCells
) -> dict[int, tuple[int, ...]]:
    """Return the numbers of the relatives in each cell that has any, the most widespread first.

    `numbers`: number of each taxon. `statements`: the statements about the range of each taxon; one without statements
    is in no cell. Unlike the model's animals, relatives have no weights: they live where a statement says so.
    """
    found = {}
    for taxon in numbers.keys() & statements.keys():
        cells = np.zeros(len(areas.earth.cells), bool)
        for each in statements[taxon]:
            if each.status in ("native", "introduced"):
                cells |= areas.of(each.range).any(axis=0)
        found[numbers[taxon]] = np.flatnonzero(cells)
    widest = sorted(found, key=lambda number: (-len(found[number]), number))
    here: dict[int, list[int]] = {}
    for number in widest:
        for cell in areas.earth.cells[found[number]].tolist():
            here.setdefault(cell, []).append(number)
    return {cell: tuple(those) for cell, those in here.items()}

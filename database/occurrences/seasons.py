"""From counts of records by month to the season of a taxon: how much of its weight each month keeps. No I/O.

docs/how-to/occurrences.md explains the formula.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from database.areas.area_cells import Earth
from database.cell_animals import SEASON, Seasons
from database.occurrences.shares import FORMULA

MONTHS: Final = 12

type MonthlyCounts = NDArray[
    np.float64
]  # shape (12, cells): number of records in each month, in each cell of the Earth


@dataclass(frozen=True, slots=True)
class Rule:
    """Which seasons are kept. `enough`: records of the taxon in a cell and its neighbours. `shown`: the share of the
    best month below which the worst has to be; a flatter year is no season.
    """

    enough: float = 120
    shown: float = 0.5


RULE: Final = Rule()


def around(counts: MonthlyCounts, earth: Earth) -> MonthlyCounts:
    """Return the counts of each cell and its neighbours together, whose seasons are alike."""
    near: MonthlyCounts = counts + np.stack([month[earth.neighbours].sum(axis=1) for month in counts])
    return near


def seasons_of(
    animal: int, near: MonthlyCounts, effort: MonthlyCounts, cells: NDArray[np.intp], earth: Earth, rule: Rule = RULE
) -> Seasons:
    """Return the seasons of an animal, in those of `cells` that have enough records.

    `near`, `effort`: records of the animal and of its group, from `around`. `cells`: positions of its range.
    """
    cells = cells[near[:, cells].sum(axis=0) >= rule.enough]
    here, group = near[:, cells], effort[:, cells]
    k = FORMULA.shrink
    share = (here + k * here.sum(axis=0) / group.sum(axis=0)) / (group + k)
    share = (np.roll(share, 1, axis=0) + 2 * share + np.roll(share, -1, axis=0)) / 4
    kept = share / share.max(axis=0)
    shown = kept.min(axis=0) < rule.shown
    seasons = np.zeros(int(shown.sum()), SEASON)
    seasons["cell"], seasons["animal"] = earth.cells[cells[shown]], animal
    months = np.ascontiguousarray(np.round(kept[:, shown] * 255).T.astype(np.uint8))
    seasons["months"] = months.view("V12")[:, 0]
    return seasons

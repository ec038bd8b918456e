"""From counts of records to weights and seasons of a taxon, corrected for how much people record at a place. No I/O.

docs/how-to/occurrences.md explains the formulas.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from database.areas.area_cells import Earth
from database.cell_animals import SEASON, Cell, Seasons

type Counts = NDArray[np.float64]  # shape (cells,): number of records in each cell of the Earth
type MonthlyCounts = NDArray[np.float64]  # shape (12, cells): the same in each month

MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Formula:
    """Two numbers of records of a group of animals, such as birds, by which shares become weights.

    `shrink`: a cell with this many records counts as much as its surroundings; a simulation chose it
    (docs/how-to/occurrences.md). `seen`: a weight is the chance that at least one of this many records in the cell is
    of the taxon.
    """

    shrink: float = 100
    seen: float = 300


FORMULA: Final = Formula()
ENOUGH: Final = 120
"""Records of a taxon in a cell and its neighbours from which they show a season."""
SHOWN: Final = 0.5
"""A taxon has a season in a cell if its worst month has less than this share of what its best month has."""


class Surroundings:
    """The neighbours and the countries of each cell."""

    def __init__(self, earth: Earth, cells: Iterable[Cell]) -> None:
        of_country = [(cell.cell, area) for cell in cells for area in cell.areas]
        self._neighbours = earth.neighbours
        self._cells = earth.positions(cell for cell, _ in of_country)
        self.countries = sorted({area for _, area in of_country})
        number_of = {area: number for number, area in enumerate(self.countries)}
        self._country_of = np.array([number_of[area] for _, area in of_country], np.intp)

    def around(self, counts: Counts) -> Counts:
        """Return the sum over the neighbours of each cell."""
        total: Counts = counts[self._neighbours].sum(axis=1)
        return total

    def of_countries(self, countries: Iterable[str]) -> NDArray[np.bool_]:
        """Return a mask of the cells that touch one of some countries."""
        wanted = [number for number, country in enumerate(self.countries) if country in set(countries)]
        found = np.zeros(len(self._neighbours), bool)
        found[self._cells[np.isin(self._country_of, wanted)]] = True
        return found

    def in_country(self, counts: Counts, more: Mapping[str, float] | None = None) -> Counts:
        """Return the sum over the countries of each cell, 0 without one. `more`: counts by country, to add."""
        of_country = np.bincount(self._country_of, counts[self._cells], len(self.countries))
        of_country += [(more or {}).get(country, 0.0) for country in self.countries]
        return np.bincount(self._cells, of_country[self._country_of], len(counts))


@dataclass(frozen=True, slots=True)
class Effort:
    """All records of a group of animals, in each cell, in its neighbours and in its countries."""

    here: Counts
    around: Counts
    in_country: Counts

    @classmethod
    def of(cls, counts: Counts, surroundings: Surroundings, more: Mapping[str, float] | None = None) -> "Effort":
        """Return the effort from the counts of a group. `more`: counts by country, without a place within it."""
        return cls(counts, surroundings.around(counts), surroundings.in_country(counts, more))


def weights_of(
    counts: Counts,
    effort: Effort,
    surroundings: Surroundings,
    more: Mapping[str, float] | None = None,
) -> Counts:
    """Return the weight of a taxon in each cell, from 0 to below 1.

    `counts`: records of the taxon. `more`: its records by country, without a place within it.
    """
    k = FORMULA.shrink
    in_country = surroundings.in_country(counts, more) / np.maximum(effort.in_country, 1)
    around = (surroundings.around(counts) + k * in_country) / (effort.around + k)
    share = (counts + k * around) / (effort.here + k)
    weights: Counts = 1 - (1 - np.clip(share, 0, 1)) ** FORMULA.seen
    return weights


def around(counts: MonthlyCounts, earth: Earth) -> MonthlyCounts:
    """Return the counts of each cell and its neighbours together, whose seasons are alike."""
    near: MonthlyCounts = counts + np.stack([month[earth.neighbours].sum(axis=1) for month in counts])
    return near


def seasons_of(
    animal: int,
    near: MonthlyCounts,
    effort: MonthlyCounts,
    cells: NDArray[np.intp],
    earth: Earth,
) -> Seasons:
    """Return the seasons of an animal, in those of `cells` that have enough records.

    `near`, `effort`: records of the animal and of its group, from `around`. `cells`: positions of its range.
    """
    cells = cells[near[:, cells].sum(axis=0) >= ENOUGH]
    here, group = near[:, cells], effort[:, cells]
    k = FORMULA.shrink
    share = (here + k * here.sum(axis=0) / group.sum(axis=0)) / (group + k)
    share = (np.roll(share, 1, axis=0) + 2 * share + np.roll(share, -1, axis=0)) / 4
    kept = share / share.max(axis=0)
    shown = kept.min(axis=0) < SHOWN
    seasons = np.zeros(int(shown.sum()), SEASON)
    seasons["cell"], seasons["animal"] = earth.cells[cells[shown]], animal
    months = np.ascontiguousarray(np.round(kept[:, shown] * 255).T.astype(np.uint8))
    seasons["months"] = months.view("V12")[:, 0]
    return seasons

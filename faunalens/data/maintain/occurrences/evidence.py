"""Compute weights, seasons and ranges of a taxon from counts of records, as evidence beside written ranges. No I/O.

Weights are corrected for how much people record at a place. docs/how-to/occurrences.md explains formulas and rules.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faunalens.data.areas.area_cells import LAND, SEA, Earth
from faunalens.data.cell_animals import INTRODUCED, LISTED, NATIVE, SEASON, WEIGHTS, Cell, Rows, Seasons, rows_of

type Counts = NDArray[np.float64]  # shape (cells,): number of records in each cell of the Earth
type MonthlyCounts = NDArray[np.float64]  # shape (12, cells): number of records in each month and cell

MONTHS: Final = 12

SHRINK: Final = 100.0
"""At this many records a cell counts as much as its surroundings. A simulation chose it: docs/how-to/occurrences.md."""
SEEN: Final = 300.0
"""A weight is the chance that at least one of this many records in the cell is of the taxon."""
ENOUGH: Final = 30
"""Least records that give a taxon without a written range one; a simulation chose it (docs/how-to/occurrences.md)."""
ENOUGH_FOR_SEASON: Final = 120
"""Least number of records of a taxon, in a cell and its neighbours, that can show a season."""
SHOWN: Final = 0.5
"""A taxon has a season in a cell if its worst month has less than this share of what its best month has."""


class Surroundings:
    """The neighbours and the countries of each cell."""

    def __init__(self, earth: Earth, cells: Iterable[Cell]) -> None:
        of_country = [(cell.cell, area) for cell in cells for area in cell.areas]
        self.earth = earth
        self._cells = earth.positions(cell for cell, _ in of_country)
        self.countries = sorted({area for _, area in of_country})
        number_of = {area: number for number, area in enumerate(self.countries)}
        self._country_of = np.array([number_of[area] for _, area in of_country], np.intp)

    def of_countries(self, countries: Iterable[str]) -> NDArray[np.bool_]:
        """Return a mask of the cells that touch any of these countries."""
        wanted = [number for number, country in enumerate(self.countries) if country in set(countries)]
        found = np.zeros(len(self.earth.cells), bool)
        found[self._cells[np.isin(self._country_of, wanted)]] = True
        return found

    def in_country(self, counts: Counts, more: Mapping[str, float] | None = None) -> Counts:
        """Return for each cell the sum of counts in its countries, 0 without one. `more`: counts by country to add."""
        of_country = np.bincount(self._country_of, counts[self._cells], len(self.countries))
        of_country += [(more or {}).get(country, 0.0) for country in self.countries]
        return np.bincount(self._cells, of_country[self._country_of], len(counts))


class Effort(NamedTuple):
    """Number of records of a group of animals for each cell: in the cell, in its neighbours and in its countries."""

    here: Counts
    around: Counts
    in_country: Counts

    @classmethod
    def of(cls, counts: Counts, surroundings: Surroundings, more: Mapping[str, float] | None = None) -> "Effort":
        """Return the effort from a group's counts by cell. `more`: counts by country, for records without a cell."""
        return cls(counts, around(counts, surroundings.earth), surroundings.in_country(counts, more))


def weights_of(
    counts: Counts, effort: Effort, surroundings: Surroundings, more: Mapping[str, float] | None = None
) -> Counts:
    """Return the weight of a taxon in each cell, from 0 to below 1.

    `counts`: number of the taxon's records in each cell. `effort`: all records of its group. `more`: number of the
    taxon's records by country, for records without a cell.
    """
    in_country = surroundings.in_country(counts, more) / np.maximum(effort.in_country, 1)
    near = (around(counts, surroundings.earth) + SHRINK * in_country) / (effort.around + SHRINK)
    share = (counts + SHRINK * near) / (effort.here + SHRINK)
    weights: Counts = 1 - (1 - np.clip(share, 0, 1)) ** SEEN
    return weights


def around(counts: Counts | MonthlyCounts, earth: Earth) -> NDArray[np.float64]:
    """Return the sum of the counts in the neighbours of each cell."""
    return np.asarray(counts[..., earth.neighbours].sum(axis=-1))


def seasons_of(
    animal: int, near: MonthlyCounts, effort: MonthlyCounts, cells: NDArray[np.intp], earth: Earth
) -> Seasons:
    """Return the seasons of an animal, for those of `cells` that have enough records.

    `near`, `effort`: by month, numbers of records of the animal and of its group in each cell and its neighbours, whose
    seasons are alike. `cells`: positions of the cells in the animal's range.
    """
    cells = cells[near[:, cells].sum(axis=0) >= ENOUGH_FOR_SEASON]
    here, group = near[:, cells], effort[:, cells]
    share = (here + SHRINK * here.sum(axis=0) / group.sum(axis=0)) / (group + SHRINK)
    share = (np.roll(share, 1, axis=0) + 2 * share + np.roll(share, -1, axis=0)) / 4
    kept = share / share.max(axis=0)
    shown = kept.min(axis=0) < SHOWN
    seasons = np.zeros(int(shown.sum()), SEASON)
    seasons["cell"], seasons["animal"] = earth.cells[cells[shown]], animal
    months = np.ascontiguousarray(np.round(kept[:, shown] * 255).T.astype(np.uint8))
    seasons["months"] = months.view("V12")[:, 0]
    return seasons


type Mask = NDArray[np.bool_]  # shape (cells,)


def combine(
    written: Rows, records: Counts, seen: Counts, effort: Effort, earth: Earth, widen: int = 0
) -> tuple[Rows, Mask, Mask]:
    """Combine a written range, of one or more rows, with records. `seen`: the weights that follow from the records.

    `widen`: number of records in a cell from which the cell is added to the range; 0 for never. In a simulation, wider
    ranges name more photos right, but a range also states where an animal lives: one wrong record would falsify that.
    Return the rows, the cells with records outside the written range, and the cells of the written range without a
    record of the animal, although people record much of its group there.
    """
    positions = np.searchsorted(earth.cells, written["cell"])
    range_, status = np.zeros(len(earth.cells)), np.zeros(len(earth.cells), np.int16)
    range_[positions], status[positions] = written["weight"], written["status"]
    inside = range_ > 0
    confidence = effort.here / (effort.here + SHRINK)
    # The more people record at a place, the more records change a weight; without any, the written weight stays.
    kept = range_ * (1 - confidence * (1 - np.minimum(seen / np.maximum(range_, 1e-9), 1)))
    weight = np.maximum(kept, np.minimum(range_, LISTED))
    weight = np.where(inside & (records > 0), np.maximum(weight, np.maximum(range_, seen)), weight)
    outside = ~inside & (records > 0)
    if widen:
        wider = outside & (records >= widen)
        weight[wider] = np.minimum(seen[wider], WEIGHTS.doubt)
        native = (inside & (status == NATIVE))[earth.neighbours].any(axis=1)
        status[wider] = np.where(native, NATIVE, INTRODUCED)[wider]
    weight = np.where(weight == range_, range_, _in_steps(weight))
    silent = inside & (records == 0) & (effort.here > SHRINK)
    return rows_of(int(written["animal"][0]), weight, status, earth), outside, silent


def range_of_records(animal: int, records: Counts, seen: Counts, earth: Earth, is_marine: bool) -> Rows | None:
    """Return the range of an animal that has no written range, or None if the animal has too few records.

    The range has all cells with a weight of at least `LISTED`. Where few people record, the weight of a cell follows
    from the records around it. Cells with records alone would be too few: one observer may have made all of them.
    """
    if records.sum() < ENOUGH:
        return None
    lives = (seen >= LISTED) & earth.realm[SEA if is_marine else LAND]
    rows = rows_of(animal, np.where(lives, _in_steps(seen), 0), np.full(len(seen), NATIVE), earth)
    return rows if len(rows) else None


def range_of_countries(
    animal: int, countries: Mapping[int, NDArray[np.bool_]], is_marine: bool, earth: Earth
) -> Rows | None:
    """Return the range of an animal that only checklists list, or None if the range has no cells.

    `countries`: for each status, a mask of the cells of the countries where the animal lives. A country is larger than
    a range, so the weight is that of a doubtful range.
    """
    status = np.zeros(len(earth.cells), np.int16)
    for kind in (INTRODUCED, NATIVE):
        if kind in countries:
            status[countries[kind] & earth.realm[SEA if is_marine else LAND]] = kind
    rows = rows_of(animal, np.where(status > 0, WEIGHTS.doubt, 0), status, earth)
    return rows if len(rows) else None


def _in_steps(weights: Counts) -> Counts:
    """Round weights above 0 to multiples of `LISTED`, at least `LISTED`: a range is drawn once for each weight."""
    return np.where(weights > 0, np.maximum(np.round(weights / LISTED), 1) * LISTED, 0)

"""Combine the weights of records with those of written ranges: evidence, not replacement. No I/O.

docs/how-to/occurrences.md explains the rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from database.areas.area_cells import LAND, SEA, Earth
from database.cell_animals import ROW, Rows
from database.maintain.occurrences.shares import FORMULA, Counts, Effort
from database.ranges.cell_weights import INTRODUCED, LISTED, NATIVE, WEIGHTS


@dataclass(frozen=True, slots=True)
class Rules:
    """How much records change written ranges.

    `doubt`: share of a written weight that stays where people record much, but never the taxon; `LISTED` always stays.
    `widen`: number of records in a cell from which they widen a written range; 0 for never. `enough`: number of records
    that give a range to a taxon without a written one.

    A simulation chose the defaults (docs/how-to/occurrences.md). It names more generated photos right with `widen`
    too, but a range also says that an animal lives somewhere, and then a wrong record would.
    """

    doubt: float = 0.0
    widen: int = 0
    enough: int = 30


RULES: Final = Rules()


@dataclass(frozen=True, slots=True)
class Combined:
    """The range of an animal. `rows`: of the table `cell_animal`.

    The others are masks of shape (cells,): `outside`, the cells with records that the written range lacks; `silent`,
    its cells without a record of the animal where people record many others of its group.
    """

    rows: Rows
    outside: NDArray[np.bool_]
    silent: NDArray[np.bool_]


def combine(
    written: Rows, records: Counts, seen: Counts, effort: Effort, earth: Earth, rules: Rules = RULES
) -> Combined:
    """Combine a written range, of one or more rows, with records. `seen`: the weights that follow from the records."""
    positions = np.searchsorted(earth.cells, written["cell"])
    range_, status = np.zeros(len(earth.cells)), np.zeros(len(earth.cells), np.int16)
    range_[positions], status[positions] = written["weight"], written["status"]
    inside = range_ > 0
    confidence = effort.here / (effort.here + FORMULA.shrink)
    # Records change a weight as far as many were made there; where people record nothing, the written weight stays.
    kept = range_ * (1 - confidence * (1 - rules.doubt) * (1 - np.minimum(seen / np.maximum(range_, 1e-9), 1)))
    weight = np.maximum(kept, np.minimum(range_, LISTED))
    weight = np.where(inside & (records > 0), np.maximum(weight, np.maximum(range_, seen)), weight)
    outside = ~inside & (records > 0)
    if rules.widen:
        wider = outside & (records >= rules.widen)
        weight[wider] = np.minimum(seen[wider], WEIGHTS.doubt)
        native = (inside & (status == NATIVE))[earth.neighbours].any(axis=1)
        status[wider] = np.where(native, NATIVE, INTRODUCED)[wider]
    weight = np.where(weight == range_, range_, _in_steps(weight))
    silent = inside & (records == 0) & (effort.here > FORMULA.shrink)
    return Combined(_rows(weight, status, int(written["animal"][0]), earth), outside, silent)


def range_of_records(
    animal: int, records: Counts, seen: Counts, earth: Earth, is_marine: bool, rules: Rules
) -> Rows | None:
    """Return the range of an animal without a written one, or None if it has too few records.

    The range has all cells with a weight of at least `LISTED`. Where few people record, the weight of a cell follows
    from the records around it. Only the cells with records would be too few: one observer can make all of them in one
    place.
    """
    if records.sum() < rules.enough:
        return None
    lives = (seen >= LISTED) & earth.realm[SEA if is_marine else LAND]
    rows = _rows(np.where(lives, _in_steps(seen), 0), np.full(len(seen), NATIVE, np.int16), animal, earth)
    return rows if len(rows) else None


def range_of_countries(
    animal: int, countries: Mapping[int, NDArray[np.bool_]], is_marine: bool, earth: Earth
) -> Rows | None:
    """Return the range of an animal of which only a checklist says in which countries it lives, or None if nowhere.

    `countries`: by status, a mask of the cells of the countries. A country is larger than a range, so the weight is
    that of a range in doubt.
    """
    status = np.zeros(len(earth.cells), np.int16)
    for kind in (INTRODUCED, NATIVE):
        if kind in countries:
            status[countries[kind] & earth.realm[SEA if is_marine else LAND]] = kind
    rows = _rows(np.where(status > 0, WEIGHTS.doubt, 0), status, animal, earth)
    return rows if len(rows) else None


def _in_steps(weights: Counts) -> Counts:
    """Round weights above 0 to multiples of `LISTED`, at least `LISTED`: a range is drawn once for each weight."""
    return np.where(weights > 0, np.maximum(np.round(weights / LISTED), 1) * LISTED, 0)


def _rows(weight: Counts, status: NDArray[np.int16], animal: int, earth: Earth) -> Rows:
    lives = np.flatnonzero(weight > 0)
    rows = np.empty(len(lives), ROW)
    rows["cell"], rows["animal"], rows["weight"], rows["status"] = (
        earth.cells[lives],
        animal,
        weight[lives],
        status[lives],
    )
    return rows

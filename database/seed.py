"""From "lives in these countries" and "was mapped in these cells" to the animals of each cell. Pure.

    wild, native, no range map      every cell that touches one of its countries       1.0
    wild, native, with a range map  in the map, or in a country of its beside it       1.0
                                    elsewhere in its countries                         0.3
    wild, introduced                every cell that touches such a country             0.5
    marine                          every coast cell                                   1.0
    domestic, cosmopolitan          stored nowhere: the model's labels say they are everywhere
    extinct                         nowhere

A cell on a border takes the best of its countries, so a border never excludes the true one, and a cell of the range
map counts even if no country of it is listed. docs/reference/database.md says why these weights.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from chalicelib.features.cells import neighbours_of

NATIVE: Final = 1
INTRODUCED: Final = 2
STATUSES: Final = {"native": NATIVE, "introduced": INTRODUCED}


@dataclass(frozen=True, slots=True)
class Weights:
    """How likely an animal is met in a cell, relative to where it surely lives; in (0, 1]."""

    native: float = 1.0
    off_range: float = 0.3
    introduced: float = 0.5


WEIGHTS: Final = Weights()

ROW: Final = np.dtype([("cell", np.int64), ("animal", np.int32), ("weight", np.float32), ("status", np.int16)])
"""One row of `cell_animal`, without its dataset."""

type Rows = NDArray[np.void]
"""Shape (rows,), of `ROW`."""

CHUNK: Final = 4096
"""Cells computed at a time: a few megabytes for 400 animals."""


class Cell(NamedTuple):
    """A cell, whether it is on the coast, and every country or territory that touches it (ISO 3166-1 alpha-2)."""

    cell: int
    coast: bool
    areas: tuple[str, ...]


class Animal(NamedTuple):
    """An animal; `lineage` are scientific names, phylum first."""

    animal: int
    name: str
    scientific_name: str
    rank: str
    kind: str
    lineage: tuple[str, ...]


class AnimalArea(NamedTuple):
    """A source's word that a wild animal lives in a country or territory; `status` is a key of `STATUSES`."""

    animal: int
    area: str
    status: str
    source: str


def cell_animals(
    cells: Sequence[Cell],
    animals: Sequence[Animal],
    animal_areas: Sequence[AnimalArea],
    ranges: Sequence[tuple[int, int]],
    weights: Weights = WEIGHTS,
) -> Iterator[Rows]:
    """Rows of every cell that has animals, in chunks, ascending by cell and animal.

    `ranges`: pairs of animal and cell, from range maps; cells that are not in `cells` (open sea) count for nothing.
    """
    cells, animals = sorted(cells), sorted(animals)
    column = {animal.animal: number for number, animal in enumerate(animals)}
    index = {cell.cell: number for number, cell in enumerate(cells)}
    area_number = {area: n for n, area in enumerate(sorted({area for cell in cells for area in cell.areas}))}

    mapped = _mapped(ranges, index, column)
    has_map = mapped.any(axis=0)
    lives = {status: np.zeros((len(area_number), len(animals)), np.float32) for status in STATUSES}
    for row in animal_areas:
        if row.area in area_number:
            lives[row.status][area_number[row.area], column[row.animal]] = 1
    marine = np.array([animal.kind == "marine" for animal in animals], bool)
    ids = np.array([animal.animal for animal in animals], np.int32)

    for start in range(0, len(cells), CHUNK):
        part = cells[start : start + CHUNK]
        touches = np.zeros((len(part), len(area_number)), np.float32)
        for number, cell in enumerate(part):
            touches[number, [area_number[area] for area in cell.areas]] = 1
        on_map = mapped[start : start + CHUNK]
        native = touches @ lives["native"] > 0
        off_range = native & has_map & ~(on_map | _beside(part, mapped, index))
        coast = np.array([cell.coast for cell in part], bool)[:, None] & marine

        weight = np.zeros((len(part), len(animals)), np.float32)
        weight[touches @ lives["introduced"] > 0] = weights.introduced
        weight[off_range] = np.maximum(weight[off_range], weights.off_range)
        weight[(native & ~off_range) | on_map | coast] = weights.native
        row_of, column_of = np.nonzero(weight)

        rows = np.empty(len(row_of), ROW)
        rows["cell"] = np.array([cell.cell for cell in part], np.int64)[row_of]
        rows["animal"] = ids[column_of]
        rows["weight"] = weight[row_of, column_of]
        rows["status"] = np.where((native | on_map | coast)[row_of, column_of], NATIVE, INTRODUCED)
        yield rows


def _mapped(ranges: Sequence[tuple[int, int]], index: dict[int, int], column: dict[int, int]) -> NDArray[np.bool_]:
    """Whether a cell lies in an animal's range map: shape (cells, animals)."""
    mapped = np.zeros((len(index), len(column)), bool)
    known = [(index[cell], column[animal]) for animal, cell in ranges if cell in index]
    if known:
        mapped[tuple(np.array(known).T)] = True
    return mapped


def _beside(part: Sequence[Cell], mapped: NDArray[np.bool_], index: dict[int, int]) -> NDArray[np.bool_]:
    """Whether a neighbour of a cell lies in an animal's range map: shape (part, animals)."""
    beside = np.zeros((len(part), mapped.shape[1]), bool)
    for number, cell in enumerate(part):
        neighbours = [index[other] for other in neighbours_of(cell.cell) if other in index]
        if neighbours:
            beside[number] = mapped[neighbours].any(axis=0)
    return beside

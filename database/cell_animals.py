"""Compute the animals of each cell, with weights, from countries and range maps. No I/O.

    wild, native, no range map      every cell that touches one of its countries             1.0
    wild, native, with a range map  cells on the map, and their neighbours in its countries  1.0
                                    other cells of its countries                             0.3
    wild, introduced                every cell that touches a country it was introduced to   0.5
    marine                          every coast cell                                         1.0
    domestic, cosmopolitan          no row: the model's labels mark them as living everywhere
    extinct                         no row

A cell on a border has the animals of all its countries, each with its highest weight there. An animal lives in every
cell of its range map, even if no country of the cell lists the animal. docs/reference/database.md explains the weights.
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
    """Weights of an animal in a cell: above 0, and at most 1, which is the weight in the core of the animal's range.

    The version of a dataset is a hash that includes the `repr` of the weights. So renaming this class or a field
    changes the version.
    """

    native: float = 1.0
    off_range: float = 0.3
    introduced: float = 0.5


WEIGHTS: Final = Weights()

ROW: Final = np.dtype([("cell", np.int64), ("animal", np.int32), ("weight", np.float32), ("status", np.int16)])
"""One row of the table `cell_animal`, without its dataset."""

type Rows = NDArray[np.void]  # shape (rows,), dtype `ROW`

CHUNK: Final = 4096  # cells computed at a time: a few megabytes for 400 animals


class Cell(NamedTuple):
    """A cell. `coast`: True on a coast. `areas`: ISO 3166-1 alpha-2 codes of the countries that touch it."""

    cell: int
    coast: bool
    areas: tuple[str, ...]


class AnimalRow(NamedTuple):
    """An animal; `lineage` contains scientific names, phylum first."""

    animal: int
    name: str
    scientific_name: str
    rank: str
    kind: str
    lineage: tuple[str, ...]


class AnimalArea(NamedTuple):
    """A source's statement that a wild animal lives in a country or territory; `status` is a key of `STATUSES`."""

    animal: int
    area: str
    status: str
    source: str


def compute_cell_animals(
    cells: Sequence[Cell],
    animals: Sequence[AnimalRow],
    animal_areas: Sequence[AnimalArea],
    ranges: Sequence[tuple[int, int]],
    weights: Weights = WEIGHTS,
) -> Iterator[Rows]:
    """Yield the rows of the table `cell_animal` in chunks, sorted by cell and animal.

    `ranges`: pairs of animal and cell, from range maps. Pairs whose cell is not in `cells` (open sea) are ignored.
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
        chunk = cells[start : start + CHUNK]
        touches = np.zeros((len(chunk), len(area_number)), np.float32)
        for number, cell in enumerate(chunk):
            touches[number, [area_number[area] for area in cell.areas]] = 1
        on_map = mapped[start : start + CHUNK]
        native = touches @ lives["native"] > 0
        off_range = native & has_map & ~(on_map | _next_to_map(chunk, mapped, index))
        coast = np.array([cell.coast for cell in chunk], bool)[:, None] & marine

        weight = np.zeros((len(chunk), len(animals)), np.float32)
        weight[touches @ lives["introduced"] > 0] = weights.introduced
        weight[off_range] = np.maximum(weight[off_range], weights.off_range)
        weight[(native & ~off_range) | on_map | coast] = weights.native
        row_of, column_of = np.nonzero(weight)

        rows = np.empty(len(row_of), ROW)
        rows["cell"] = np.array([cell.cell for cell in chunk], np.int64)[row_of]
        rows["animal"] = ids[column_of]
        rows["weight"] = weight[row_of, column_of]
        rows["status"] = np.where((native | on_map | coast)[row_of, column_of], NATIVE, INTRODUCED)
        yield rows


def _mapped(ranges: Sequence[tuple[int, int]], index: dict[int, int], column: dict[int, int]) -> NDArray[np.bool_]:
    """Return a mask of the cells in each animal's range map: shape (cells, animals)."""
    mapped = np.zeros((len(index), len(column)), bool)
    for animal, cell in ranges:
        if cell in index:
            mapped[index[cell], column[animal]] = True
    return mapped


def _next_to_map(chunk: Sequence[Cell], mapped: NDArray[np.bool_], index: dict[int, int]) -> NDArray[np.bool_]:
    """Return a mask of the cells in `chunk` next to each animal's range map: shape (chunk, animals)."""
    next_to_map = np.zeros((len(chunk), mapped.shape[1]), bool)
    for number, cell in enumerate(chunk):
        neighbours = [index[other] for other in neighbours_of(cell.cell) if other in index]
        next_to_map[number] = mapped[neighbours].any(axis=0)
    return next_to_map

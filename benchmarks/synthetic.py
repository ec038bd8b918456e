"""Synthetic datasets of any size, whose rows are generated while they are read, so that memory does not limit the size.

A dataset has real H3 cells of one resolution. Crowded cells each have a given number of animals; all other cells have
the same few.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from database.cell_animals import ROW, AnimalRow, Cell, Rows
from database.dataset import Dataset

BLOCK = 20_000
"""Number of cells in a block of rows."""


def cells_of(resolution: int, count: int | None = None) -> list[int]:
    """Return all cells of a resolution in ascending order, or the first `count` of them."""
    cells = sorted(cell for base in h3.get_res0_cells() for cell in h3.cell_to_children(base, resolution))
    return cells[:count]


@dataclass(frozen=True, slots=True)
class Synthetic:
    """The parameters of a dataset; equal parameters give equal datasets.

    `crowded`: number of animals in each of the first cells. `usual`: number of animals in every other cell. `animals`:
    number of animals in the dataset, at least as many as in any cell.
    """

    name: str
    cells: Sequence[int]
    crowded: Sequence[int]
    usual: int
    animals: int

    def __post_init__(self) -> None:
        if max((*self.crowded, self.usual)) > self.animals or len(self.crowded) > len(self.cells):
            raise ValueError(
                f"cells cannot have more animals than the dataset ({self.animals}), and at most all "
                f"{len(self.cells)} cells can be crowded; lower `crowded` or `usual`"
            )

    @property
    def rows(self) -> int:
        """Number of rows in the table `cell_animal`."""
        return sum(self.crowded) + self.usual * (len(self.cells) - len(self.crowded))

    def dataset(self) -> Dataset:
        """Return the dataset, which can be read only once."""
        return Dataset(
            version=self.name,
            cells=(Cell(cell, False, ("AU", "NZ")) for cell in self.cells),
            cell_animals=self._rows(),
            animals=[
                AnimalRow(
                    n, f"animal-{n}", f"animal {n}", f"Animal numerus{n}", "species", "wild", ("Chordata", "Mammalia")
                )
                for n in range(self.animals)
            ],
        )

    def _rows(self) -> Iterator[Rows]:
        for cell, count in zip(self.cells, self.crowded, strict=False):
            yield _block(np.full(count, cell), np.arange(count))
        # A usual cell has every n-th animal, shifted by one for each cell, so that neighbours have different animals.
        for start in range(len(self.crowded), len(self.cells), BLOCK):
            some = np.array(self.cells[start : start + BLOCK], np.int64)
            shift = np.arange(start, start + len(some))[:, None]
            stride = max(self.animals // max(self.usual, 1), 1)
            animals = np.sort((np.arange(self.usual) * stride + shift) % self.animals, axis=1)
            yield _block(np.repeat(some, self.usual), animals.ravel())


def _block(cells: NDArray[np.int64], animals: NDArray[np.int64]) -> Rows:
    rows = np.zeros(len(cells), ROW)
    rows["cell"], rows["animal"], rows["weight"], rows["status"] = cells, animals, 1.0, 1
    rows["weight"][1::2] = 0.3
    return rows

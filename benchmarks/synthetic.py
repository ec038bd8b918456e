"""Datasets of any size that nobody had to collect, made as they are read, so that they need not fit into memory.

Real H3 cells of a resolution; some of them with a set number of animals, all others with a few from all over.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from h3.api import basic_int as h3
from numpy.typing import NDArray

from database.cell_animals import ROW, Animal, Cell, Rows
from database.dataset import Dataset

BLOCK = 20_000
"""Cells made at a time."""


def cells_of(resolution: int, count: int | None = None) -> list[int]:
    """The first `count` cells on Earth at a resolution, or all of them; ascending."""
    cells = sorted(cell for base in h3.get_res0_cells() for cell in h3.cell_to_children(base, resolution))
    return cells[:count]


@dataclass(frozen=True, slots=True)
class Synthetic:
    """What a dataset is to be like.

    `crowded`: animals of the first cells, one number a cell; `usual`: animals of every other cell. `animals`: how many
    there are at all, at least as many as in any cell. The same values give the same dataset.
    """

    name: str
    cells: Sequence[int]
    crowded: Sequence[int]
    usual: int
    animals: int

    def __post_init__(self) -> None:
        if max((*self.crowded, self.usual)) > self.animals or len(self.crowded) > len(self.cells):
            raise ValueError("a cell cannot have more animals than there are, nor can more cells be crowded")

    @property
    def rows(self) -> int:
        """How many rows `cell_animal` gets."""
        return sum(self.crowded) + self.usual * (len(self.cells) - len(self.crowded))

    def dataset(self) -> Dataset:
        return Dataset(
            version=self.name,
            cells=(Cell(cell, False, ("AU", "NZ")) for cell in self.cells),
            cell_animals=self._rows(),
            animals=[
                Animal(n, f"animal {n}", f"Animal numerus{n}", "species", "wild", ("Chordata", "Mammalia"))
                for n in range(self.animals)
            ],
        )

    def _rows(self) -> Iterator[Rows]:
        for cell, count in zip(self.cells, self.crowded, strict=False):
            yield _block(np.full(count, cell), np.arange(count))
        # Animals of a usual cell lie apart by a stride of its own, so that neighbours do not have the same ones.
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

"""The ranges of the whole world in one small file, for a page that works without signal.

    magic       b"FLNW" and the format, one byte
    header      its length, then JSON: `version` of the dataset, `weights` of classes, `areas` of cells as texts of
                codes, `unknown`: ids of the animals of which nobody knows where they live
    cells       their number; of each, in ascending order, by how much `cell >> 36` is above that of the one before, and
                the number of its text in `areas`
    animals     their number; of each, in ascending order, by how much its id is above that of the one before, the
                number of its classes, and these: the number of a weight times 2, plus 1 if introduced; and runs
    relatives   their number; of each, in an order that is the one of every cell: its number, and runs
    runs        their number; of each, how many cells lie between it and the one before, and how many it has, less 1

All numbers are varints: seven bits a byte, the lowest first, with the highest bit on all bytes but the last. Runs are
of cells in this order, not of the grid. Seasons come with records of occurrences, of which a checkout has none.
"""

import json
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from database.cell_animals import ROW, Cell
from database.dataset import Dataset
from database.ranges.cell_weights import INTRODUCED

MAGIC: Final = b"FLNW\x01"
SHIFT: Final = 36
"""Lowest bits of a cell, which are the same in all cells of resolution 3."""

type Numbers = NDArray[np.int64]


def pack(dataset: Dataset) -> bytes:
    """Return the packed file of a dataset. The generators of the dataset are used up."""
    stated = {each.cell: each for each in dataset.cells}
    rows = np.concatenate([np.empty(0, ROW), *dataset.cell_animals])
    numbers = np.union1d(np.array([*stated], np.int64), rows["cell"])
    cells = [stated.get(each, Cell(each, coast=False, areas=())) for each in numbers.tolist()]
    areas, area_of = np.unique([" ".join(each.areas) for each in cells], return_inverse=True)
    weights, weight_of = np.unique(rows["weight"], return_inverse=True)
    header = {
        "version": dataset.version,
        "weights": [float(str(weight)) for weight in weights],
        "areas": areas.tolist(),
        "unknown": [each.animal for each in dataset.unknown],
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    steps = np.diff(numbers >> SHIFT, prepend=0)
    classes = weight_of * 2 + (rows["status"] == INTRODUCED)
    animals = [*_animals(rows["animal"].astype(np.int64), classes, np.searchsorted(numbers, rows["cell"]))]
    relatives = [*_relatives([each.relatives for each in cells])]
    listed = [[len(cells)], np.stack([steps, area_of], 1).ravel(), *animals, *relatives]
    return MAGIC + varints([len(text)]) + text + varints(np.concatenate(listed))


def _animals(animals: Numbers, classes: Numbers, positions: Numbers) -> Iterator[Sequence[int] | Numbers]:
    """Yield the numbers of all animals, from those of rows."""
    order = np.lexsort((positions, classes, animals))
    animals, classes, positions = animals[order], classes[order], positions[order]
    edges = np.flatnonzero(np.diff(animals, prepend=-1))
    yield [len(edges)]
    before = 0
    for start, end in pairwise([*edges.tolist(), len(animals)]):
        own = np.flatnonzero(np.diff(classes[start:end], prepend=-1)) + start
        yield [int(animals[start]) - before, len(own)]
        before = int(animals[start])
        for first, last in pairwise([*own.tolist(), end]):
            yield [int(classes[first])]
            yield runs(positions[first:last])


def _relatives(cells: Sequence[Sequence[int]]) -> Iterator[Sequence[int] | Numbers]:
    """Yield the numbers of all relatives, from those of each cell."""
    lives = dict[int, list[int]]()
    for position, here in enumerate(cells):
        for relative in here:
            lives.setdefault(relative, []).append(position)
    ranked = TopologicalSorter[int](dict.fromkeys(lives, ()))
    for wider, number in {pair for here in cells for pair in pairwise(here)}:
        ranked.add(number, wider)
    widest = [*ranked.static_order()]
    yield [len(widest)]
    for number in widest:
        yield [number]
        yield runs(np.array(lives[number]))


def runs(positions: Numbers) -> Numbers:
    """Return the runs of ascending positions.

    >>> runs(np.array([2, 3, 4, 9])).tolist()
    [2, 2, 2, 4, 0]
    """
    starts = np.flatnonzero(np.diff(positions, prepend=-2) != 1)
    lasts = positions[np.append(starts[1:], len(positions)) - 1]
    gaps = positions[starts] - np.append(0, lasts[:-1] + 1)
    return np.append(len(starts), np.stack([gaps, lasts - positions[starts]], 1))


def varints(numbers: Sequence[int] | Numbers) -> bytes:
    """Return numbers as varints.

    >>> varints([1, 300]).hex()
    '01ac02'
    """
    rest = np.asarray(numbers, np.uint64)[:, np.newaxis] >> np.arange(0, 63, 7, dtype=np.uint64)
    is_used = (rest > 0) | (np.arange(9) == 0)
    has_more = np.append(is_used[:, 1:], np.zeros((len(rest), 1), np.bool_), axis=1)
    return bytes(((rest & 127) | has_more.astype(np.uint64) << 7).astype(np.uint8)[is_used])

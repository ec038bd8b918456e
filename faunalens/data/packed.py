"""Pack the ranges of the whole world into one small file, for a page that works without a network. The file's parts:

    magic       b"FLNW" and the format, one byte
    header      its length, then JSON: `version` of the dataset, `weights` of classes, `areas` of cells as texts of
                codes, `unknown`: ids of the animals whose range is unknown
    cells       number of cells; for each, in ascending order, the difference of `cell >> 36` from the cell before, and
                the index of its text in `areas`
    animals     number of animals; for each, in ascending order, the difference of its id from the animal before, its
                number of classes, and for each class: the index of its weight times 2, plus 1 if introduced, and runs
    relatives   number of relatives; for each, in an order that agrees with that of each cell: its number, and runs
    runs        number of runs; for each, how many cells lie between it and the run before, and its length less 1

All numbers are varints: seven bits a byte, the lowest first, with the highest bit set in all bytes but the last. A run
is a sequence of cells that follow each other in the list of cells. The file has no seasons: they come from records of
occurrences, which a checkout does not have.
"""

import json
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from faunalens.data.cell_animals import INTRODUCED, ROW, SHIFT, Cell
from faunalens.data.dataset import Dataset

MAGIC: Final = b"FLNW\x01"
BITS: Final = 16
"""Number of bits for a cell's position (there are 41,162) in a group member's key, and for a relative's number."""
CLASS_BITS: Final = 8

type Numbers = NDArray[np.int64]


def pack(dataset: Dataset) -> bytes:
    """Return a dataset as the bytes of a packed file. This uses up the dataset's generators."""
    stated = {each.cell: each for each in dataset.cells}
    rows = np.concatenate([np.empty(0, ROW), *dataset.cell_animals])
    numbers = np.union1d(np.array([*stated], np.int64), rows["cell"])
    cells = [stated.get(each, Cell(each, coast=False, areas=())) for each in numbers.tolist()]
    areas, area_of = np.unique([" ".join(each.areas) for each in cells], return_inverse=True)
    weights = np.unique(rows["weight"])
    header = {
        "version": dataset.version,
        "weights": [float(str(weight)) for weight in weights],
        "areas": areas.tolist(),
        "unknown": [each.animal for each in dataset.unknown],
    }
    text = json.dumps(header, separators=(",", ":"), allow_nan=False).encode()
    steps = np.diff(numbers >> SHIFT, prepend=0)
    classes = np.searchsorted(weights, rows["weight"]) * 2 + (rows["status"] == INTRODUCED)
    keys = (rows["animal"].astype(np.int64) << CLASS_BITS | classes) << BITS | np.searchsorted(numbers, rows["cell"])
    animals, relatives = [*_animals(keys)], [*_relatives([each.relatives for each in cells])]
    listed = [[len(cells)], np.stack([steps, area_of], 1).ravel(), *animals, *relatives]
    return MAGIC + varints([len(text)]) + text + varints(np.concatenate(listed))


def _animals(keys: Numbers) -> Iterator[Sequence[int] | Numbers]:
    """Yield the integers that encode the ranges of all animals.

    `keys`: animal, class and the cell's position, packed into one integer for each.
    """
    found = dict[int, list[tuple[int, Numbers]]]()
    for group, own in runs(keys):
        found.setdefault(group >> CLASS_BITS, []).append((group & (1 << CLASS_BITS) - 1, own))
    yield [len(found)]
    for animal, before in zip(found, (0, *found), strict=False):
        yield [animal - before, len(found[animal])]
        for class_, own in found[animal]:
            yield from ([class_], own)


def _relatives(cells: Sequence[Sequence[int]]) -> Iterator[Sequence[int] | Numbers]:
    """Yield the integers that encode where relatives live. `cells`: each cell's relatives by number, in its order."""
    here = np.fromiter(chain.from_iterable(cells), np.int64)
    positions = np.repeat(np.arange(len(cells)), [*map(len, cells)])
    wider = np.flatnonzero(np.diff(positions) == 0)
    ranked = TopologicalSorter[int](dict.fromkeys(np.unique(here).tolist(), ()))
    for pair in np.unique(here[wider] << BITS | here[wider + 1]).tolist():
        ranked.add(pair & (1 << BITS) - 1, pair >> BITS)
    widest = [*ranked.static_order()]
    rank = np.zeros(max(widest, default=0) + 1, np.int64)
    rank[widest] = np.arange(len(widest))
    yield [len(widest)]
    for group, own in runs(rank[here] << BITS | positions):
        yield from ([widest[group]], own)


def runs(keys: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Yield each group, with the number of its runs, then each run's gap and length less 1, in one array.

    `keys`: group and position of each member, as `group << BITS | position`.

    >>> [(group, own.tolist()) for group, own in runs(np.array([2, 3, 4, 9]) | 7 << BITS)]
    [(7, [2, 2, 2, 4, 0])]
    """
    if not len(keys):
        return
    keys = np.sort(keys)
    starts = np.flatnonzero(np.diff(keys, prepend=-2) != 1)
    first, last = keys[starts], keys[np.append(starts[1:], len(keys)) - 1]
    groups = first >> BITS
    is_first = np.diff(groups, prepend=-1) > 0
    gaps = first - np.where(is_first, groups << BITS, np.append(0, last[:-1] + 1))
    begins = np.flatnonzero(is_first)
    own = np.split(np.stack([gaps, last - first], 1), begins[1:])
    yield from ((group, np.append(len(each), each)) for group, each in zip(groups[begins].tolist(), own, strict=True))


def varints(numbers: Sequence[int] | Numbers) -> bytes:
    """Encode non-negative numbers as varints, one after another.

    >>> varints([1, 300]).hex()
    '01ac02'
    """
    whole = np.asarray(numbers, np.uint64)
    rest = whole[:, np.newaxis] >> np.arange(0, int(whole.max(initial=0)).bit_length() or 1, 7, dtype=np.uint64)
    is_used = rest > 0
    is_used[:, 0] = True
    has_more = np.append(is_used[:, 1:], np.zeros((len(rest), 1), np.bool_), axis=1)
    return bytes(((rest & 127) | has_more.astype(np.uint64) << 7).astype(np.uint8)[is_used])

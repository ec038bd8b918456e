"""A reader of the packed ranges, as plain as the page's: it goes through the whole file for one cell."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from database.cell_animals import SHIFT
from database.packed import MAGIC

REST = (1 << SHIFT) - 1


class CellRead(NamedTuple):
    """What the file has of a cell. `animals`: id, weight and status of each."""

    areas: tuple[str, ...]
    animals: list[tuple[int, float, int]]
    relatives: tuple[int, ...]


class Varints:
    """The numbers of a file, from a position on."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data, self.at = data, at

    def next(self) -> int:
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    def runs(self) -> Iterator[int]:
        """Yield the positions in some runs."""
        at = 0
        for _ in range(self.next()):
            start = at + self.next()
            at = start + self.next() + 1
            yield from range(start, at)


def read(data: bytes) -> tuple[dict[str, Any], dict[int, CellRead]]:
    """Return the header, and all cells."""
    assert data.startswith(MAGIC)
    numbers = Varints(data, len(MAGIC))
    size = numbers.next()
    header: dict[str, Any] = json.loads(data[numbers.at : numbers.at + size])
    numbers.at += size
    found, cell = dict[int, CellRead](), 0
    for _ in range(numbers.next()):
        cell += numbers.next()
        found[cell << SHIFT | REST] = CellRead(tuple(header["areas"][numbers.next()].split()), [], ())
    cells, animal = [*found.values()], 0
    for _ in range(numbers.next()):
        animal += numbers.next()
        for _ in range(numbers.next()):
            weight, introduced = divmod(numbers.next(), 2)
            for at in numbers.runs():
                cells[at].animals.append((animal, header["weights"][weight], introduced + 1))
    relatives: list[list[int]] = [[] for _ in cells]
    for _ in range(numbers.next()):
        relative = numbers.next()
        for at in numbers.runs():
            relatives[at].append(relative)
    assert numbers.at == len(data)
    made = [each._replace(relatives=tuple(here)) for each, here in zip(cells, relatives, strict=True)]
    return header, dict(zip(found, made, strict=True))

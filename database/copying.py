"""The streams that PostgreSQL's COPY reads: CSV for the small tables, binary for the animals of the cells.

Binary because a million rows are then one `tobytes` a chunk instead of a million formatted lines.
"""

import csv
import io
import struct
from collections.abc import Buffer, Iterable, Iterator, Sequence
from typing import Final

import numpy as np

from database.seed import Rows

CELL_ANIMAL_COLUMNS: Final = "cell, animal, weight, dataset, status"

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_TUPLE: Final = np.dtype(
    [("fields", ">i2")]
    + [
        part
        for name, kind in (("cell", ">i8"), ("animal", ">i4"), ("weight", ">f4"), ("dataset", ">i2"), ("status", ">i2"))
        for part in ((f"{name} length", ">i4"), (name, kind))
    ]
)
"""A tuple of the binary format (documented at COPY): the number of fields, then each with its length, big-endian."""

type Value = str | int | bool | Sequence[str]


class Stream(io.RawIOBase):
    """A file to read from, over an iterator of bytes; `rows` are what was counted so far.

    `error`: what making the bytes raised, since psycopg2 tells the server of it and nobody else.
    """

    def __init__(self, pieces: Iterator[tuple[int, bytes]]) -> None:
        super().__init__()
        self.rows = 0
        self.error: BaseException | None = None
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        while not self._rest:
            try:
                rows, piece = next(self._pieces)
            except StopIteration:
                return 0
            except BaseException as error:
                self.error = error
                raise
            self.rows += rows
            self._rest = memoryview(piece)
        target = memoryview(buffer)
        taken = min(len(target), len(self._rest))
        target[:taken] = self._rest[:taken]
        self._rest = self._rest[taken:]
        return taken


def binary(chunks: Iterable[Rows], dataset: int) -> Stream:
    """Rows of `cell_animal` for `copy … (format binary)`."""
    return Stream(_binary(chunks, dataset))


def _binary(chunks: Iterable[Rows], dataset: int) -> Iterator[tuple[int, bytes]]:
    yield 0, _HEADER
    for rows in chunks:
        tuples = np.empty(len(rows), _TUPLE)
        tuples["fields"] = 5
        for name in ("cell", "animal", "weight", "status"):
            tuples[name] = rows[name]
            tuples[f"{name} length"] = _TUPLE[name].itemsize
        tuples["dataset"] = dataset
        tuples["dataset length"] = _TUPLE["dataset"].itemsize
        yield len(rows), tuples.tobytes()
    yield 0, _TRAILER


def text(rows: Iterable[Sequence[Value]], dataset: int) -> Stream:
    """Rows for `copy … (format csv)`, the dataset first."""
    return Stream(_text(rows, dataset))


def _text(rows: Iterable[Sequence[Value]], dataset: int, lines: int = 4096) -> Iterator[tuple[int, bytes]]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    count = 0
    for row in rows:
        writer.writerow([dataset, *map(_literal, row)])
        count += 1
        if count == lines:
            yield count, buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
            count = 0
    yield count, buffer.getvalue().encode()


def _literal(value: Value) -> str | int:
    """A value as CSV; a tuple of texts as an array literal."""
    if isinstance(value, str | int):
        return value
    return "{" + ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value) + "}"

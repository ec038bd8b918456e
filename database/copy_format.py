"""Encode rows for PostgreSQL's COPY: CSV for most tables, binary for the millions of rows of `cell_animal`.

Binary is faster: one call of `tobytes` encodes a batch of rows, while CSV formats each row separately.
"""

import csv
import io
import struct
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from database.cell_animals import Rows

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)
_COLUMNS: Final = {"cell": ">i8", "animal": ">i4", "weight": ">f4", "dataset": ">i2", "status": ">i2"}
_TUPLE: Final = np.dtype(
    [("fields", ">i2")]
    + [part for name, type_ in _COLUMNS.items() for part in ((f"{name} length", ">i4"), (name, type_))]
)
"""One row in PostgreSQL's binary format for COPY: the number of fields, then the length and value of each field."""

CELL_ANIMAL_COLUMNS: Final = ", ".join(_COLUMNS)

type Value = str | int | bool | Sequence[str]


def to_binary(rows: Rows, dataset: int) -> bytes:
    """Encode rows of `cell_animal` as one complete input of `copy … (format binary)`."""
    tuples = np.empty(len(rows), _TUPLE)
    tuples["fields"] = len(_COLUMNS)
    for name in _COLUMNS:
        tuples[name] = dataset if name == "dataset" else rows[name]
        tuples[f"{name} length"] = _TUPLE[name].itemsize
    return _HEADER + tuples.tobytes() + _TRAILER


def to_csv(rows: Iterable[Sequence[Value]], dataset: int) -> bytes:
    """Encode rows for `copy … (format csv)`, with the dataset as the first column."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([dataset, *map(_csv_value, row)] for row in rows)
    return buffer.getvalue().encode()


def _csv_value(value: Value) -> str | int:
    """Return a value as a CSV field; a sequence of texts becomes a PostgreSQL array literal."""
    if isinstance(value, str | int):
        return value
    return "{" + ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value) + "}"

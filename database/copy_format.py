"""Encode rows for PostgreSQL's COPY: CSV for most tables, binary for `cell_animal` and `cell_season`.

Binary is faster for millions of rows: one call of `tobytes` encodes a batch, while CSV formats each row separately.
"""

import csv
import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)

CELL_ANIMAL: Final = {"cell": ">i8", "animal": ">i4", "weight": ">f4", "dataset": ">i2", "status": ">i2"}
CELL_SEASON: Final = {"cell": ">i8", "animal": ">i4", "dataset": ">i2", "months": "V12"}
"""The columns of the tables, and the type of each in binary."""

type Value = str | int | bool | Sequence[str]


def to_binary(rows: NDArray[np.void], dataset: int, columns: Mapping[str, str] = CELL_ANIMAL) -> bytes:
    """Encode rows as one complete input of `copy … (format binary)`: the number of fields, then each with its length.

    `rows`: with a field for each of `columns` but the dataset.
    """
    parts = [part for name, type_ in columns.items() for part in ((f"{name} length", ">i4"), (name, type_))]
    tuples = np.empty(len(rows), np.dtype([("fields", ">i2"), *parts]))
    tuples["fields"] = len(columns)
    for name in columns:
        tuples[name] = dataset if name == "dataset" else rows[name]
        tuples[f"{name} length"] = tuples.dtype[name].itemsize
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

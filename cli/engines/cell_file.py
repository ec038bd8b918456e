"""The animals of all cells in one file, for a machine without PostgreSQL and Redis.

The file is computed from the dataset of this checkout at the first run, kept in the user's cache, and named after the
dataset's version. Its values are those that Redis has (chalicelib/features/codec.py).
"""
# ruff: noqa: ARG002, a file needs no deadline

import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock

import numpy as np

from chalicelib.errors import StoreError
from chalicelib.features.codec import FORMAT, CachedValue, CellAnimals, pack, unpack
from chalicelib.features.deadline import Deadline
from chalicelib.features.demand import DemandCounts
from chalicelib.features.protocols import Entry, Publication
from cli.errors import CommandError
from database.cell_animals import ROW
from database.dataset import Dataset, read_dataset, version_of
from database.dataset_files import DatasetError, files_beside


class CellFile:
    """A `Store` over a file of cells. Thread-safe. `lookups`: the number of cells that were read."""

    breaker_is_open = False

    def __init__(self, path: Path, version: str) -> None:
        self._path, self._version = path, version
        self._connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
        self._lock = Lock()
        self.lookups = 0
        ((unknown,),) = self._connection.execute("select value from cell where cell = 0")
        self._empty = unpack(unknown, 0, version).cell_animals

    @classmethod
    def of(cls, model: Path, folder: Path, say: Callable[[str], None]) -> "CellFile":
        """Open the file of the dataset of this checkout and the folder of a model; compute it if there is none.

        `folder`: where to keep it. `say`: called with a text before a computation. Raises `CommandError` if the dataset
        is faulty.
        """
        try:
            files = files_beside(model)
            version = version_of(files)
            path = folder / f"cells-{version}-{FORMAT}.sqlite"
            if not path.is_file():
                say("computing which animals live where, once for this release: up to a minute")
                _write(path, read_dataset(files))
        except DatasetError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"the animals of all cells cannot be kept ({error}); set XDG_CACHE_HOME") from error
        return cls(path, version)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def features_of(self, cells: Sequence[int], deadline: Deadline, version: str | None = None) -> list[CellAnimals]:
        """Return the animals of each cell. Raises `StoreError`."""
        with self._lock:
            self.lookups += len(cells)
            return [self._read(cell) for cell in cells]

    def _read(self, cell: int) -> CellAnimals:
        try:
            row = self._connection.execute("select value from cell where cell = ?", (cell,)).fetchone()
        except sqlite3.Error as error:
            raise StoreError("postgres_error", f"the file of cells cannot be read: {error}") from error
        return unpack(row[0], cell, self._version).cell_animals if row else self._empty._replace(cell=cell)


class NoCache:
    """A `Cache` that is always empty."""

    def read(self, key: bytes, deadline: Deadline) -> bytes | None:
        return None

    def check_in(self, key: bytes, counts: DemandCounts, deadline: Deadline) -> bytes | None:
        return None

    def claim(
        self, lease: bytes, token: bytes, seconds: float, key: bytes | None, deadline: Deadline
    ) -> tuple[bytes | None, bytes | None]:
        return None, None

    def publish(self, value: Publication, lease: bytes, token: bytes, deadline: Deadline) -> None:
        """Do nothing."""

    def release(self, lease: bytes, token: bytes, deadline: Deadline, note: bytes = b"", seconds: float = 0.0) -> None:
        """Do nothing."""

    def read_headers(self, keys: Sequence[bytes], deadline: Deadline) -> list[bytes]:
        return [b""] * len(keys)

    def write(self, entries: Sequence[Entry], deadline: Deadline) -> None:
        """Do nothing."""

    def announce(self, rollout: bytes, seconds: float, deadline: Deadline, known: bytes | None = None) -> None:
        """Do nothing."""

    def demand(self, hours: Sequence[int], count: int, deadline: Deadline) -> list[dict[int, float]]:
        return [{} for _ in hours]

    def hits(self, hour: int, deadline: Deadline) -> tuple[int, int]:
        return 0, 0


def _write(path: Path, dataset: Dataset) -> None:
    """Write the cells of a dataset. Another process that does the same meanwhile writes the same file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(descriptor)
    made = Path(name)
    try:
        connection = sqlite3.connect(made, autocommit=False)
        connection.execute("create table cell (cell integer primary key, value blob not null) strict")
        connection.executemany("insert into cell values (?, ?)", _values(dataset))
        connection.commit()
        connection.close()
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)


def _values(dataset: Dataset) -> Iterator[tuple[int, bytes]]:
    """Yield each cell with its packed value; cell 0 is one of which the dataset knows nothing."""
    rows = np.concatenate([np.empty(0, ROW), *dataset.cell_animals])
    known = {cell.cell: cell for cell in dataset.cells}
    cells, starts = np.unique(rows["cell"], return_index=True)
    spans = dict(zip(cells.tolist(), zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True), strict=True))
    unknown = np.array(sorted(animal.animal for animal in dataset.unknown), np.int32)
    for cell in sorted({0, *known, *spans}):
        mine = rows[slice(*spans.get(cell, (0, 0)))]
        animals = CellAnimals(
            cell,
            dataset.version,
            known[cell].areas if cell in known else (),
            mine["animal"],
            mine["weight"],
            mine["status"].astype(np.uint8),
            unknown,
            np.array(known[cell].relatives if cell in known else (), np.uint16),
        )
        yield cell, pack(CachedValue(animals, 0.0, 0.0, 0.0))

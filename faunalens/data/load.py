"""Load datasets into PostgreSQL, on a psycopg2 connection. database.py switches between them and drops old ones.

    with closing(psycopg2.connect(url)) as connection:
        loaded = load(connection, read_dataset())
        activate(connection, loaded.version)

Requests continue meanwhile. A load fills new tables, which other connections cannot see before the commit. The rows go
through COPY: as CSV for most tables, and in binary for tables of millions of rows, where one call of `tobytes` encodes
a whole batch.
"""

import csv
import io
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from itertools import batched
from operator import attrgetter
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from faunalens.data.areas.area_cells import read_names
from faunalens.data.database import PARTITIONED, LoadedDataset, apply_schema, exclusive, find, require
from faunalens.data.dataset import Dataset
from faunalens.data.ranges.language import in_words

ANIMAL_COLUMNS: Final = "animal, taxon, name, scientific_name, rank, kind, lineage, animal_group"
ID_COLUMNS: Final = "inaturalist, wikidata, avibase, ebird"
STATEMENT_COLUMNS: Final = "animal, areas, words, status, certainty, extent, season, source, note"

CSV_BATCH: Final = 4096  # rows encoded as CSV at a time

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER: Final = struct.pack(">h", -1)

CELL_ANIMAL: Final = {"cell": ">i8", "animal": ">i4", "weight": ">f4", "dataset": ">i2", "status": ">i2"}
CELL_SEASON: Final = {"cell": ">i8", "animal": ">i4", "dataset": ">i2", "months": "V12"}
"""The columns of the tables, and the type of each in binary."""

type Value = str | int | bool | Sequence[str]


def load(connection: Connection, dataset: Dataset, report: Callable[[str], None] = print) -> LoadedDataset:
    """Load a dataset in one transaction, without activating it. Do nothing if its version is already loaded.

    Create the schema if it is missing. After a `LoadError` or an error of psycopg2 the database is unchanged.
    """
    with exclusive(connection) as cursor:
        apply_schema(cursor, report)
        if (present := find(cursor, dataset.version)) is not None:
            return present
        cursor.execute("set local maintenance_work_mem = '128MB'")  # sorts an index of a million rows in memory
        cursor.execute("set local max_parallel_maintenance_workers = 0")  # leaves the other processors to requests
        cursor.execute(
            "insert into dataset (version, cells_loaded, rows_loaded, unknown) values (%s, 0, 0, %s) returning dataset",
            (dataset.version, [each.animal for each in dataset.unknown]),
        )
        ((number,),) = cursor.fetchall()
        since = perf_counter()

        def done(step: str) -> None:
            nonlocal since
            report(f"  {perf_counter() - since:5.2f} s  {step}")
            since = perf_counter()

        _copy_small_tables(cursor, number, dataset)
        done(f"animals: {len(dataset.animals):,}; statements about ranges: {len(dataset.statements):,}")
        copy = _create_partition(cursor, "cell", number, "dataset, cell, coast, areas, relatives", "csv")
        places = ((each.cell, str(each.coast), each.areas, [*map(str, each.relatives)]) for each in dataset.cells)
        cells = _copy_csv(cursor, copy, places, number)
        done(f"cells: {cells:,}")
        copy = _create_partition(cursor, "cell_animal", number, ", ".join(CELL_ANIMAL), "binary")
        rows = _copy(cursor, copy, (to_binary(chunk, number) for chunk in dataset.cell_animals))
        done(f"pairs of animal and cell: {rows:,}")
        copy = _create_partition(cursor, "cell_season", number, ", ".join(CELL_SEASON), "binary")
        if dataset.seasons:
            seasons = _copy(cursor, copy, (to_binary(each, number, CELL_SEASON) for each in dataset.seasons))
            done(f"of these with a season: {seasons:,}")
        copy = "copy range_drawing (dataset, animal, outlines, paths) from stdin (format csv)"
        done(f"outlines of ranges: {_copy_csv(cursor, copy, dataset.drawings, number, batch=64):,}")
        _attach_partitions(cursor, number)
        done("indexes")
        query = "update dataset set cells_loaded = %s, rows_loaded = %s where dataset = %s"
        cursor.execute(query, (cells, rows, number))
        cursor.execute("analyze dataset, source, taxon, animal, other_name, range_statement, range_drawing")
        loaded = require(cursor, dataset.version)
    done("commit")
    return loaded


def _copy_small_tables(cursor: Cursor, number: int, dataset: Dataset) -> None:
    names = read_names()
    more = attrgetter("status", "certainty", "extent", "season", "source", "note")
    said = dataset.statements
    statements = ((animal, str(each.range), in_words(each.range, names), *more(each)) for animal, each in said)
    for table, rows in {
        "source (dataset, source, title, citation, licence)": dataset.sources,
        "taxon (dataset, scientific_name, rank, name)": dataset.taxa,
        f"animal (dataset, {ANIMAL_COLUMNS}, {ID_COLUMNS})": ((*each[:-1], *each.facts) for each in dataset.animals),
        "other_name (dataset, animal, name, source)": dataset.other_names,
        f"range_statement (dataset, {STATEMENT_COLUMNS})": statements,
    }.items():
        _copy_csv(cursor, f"copy {table} from stdin (format csv)", rows, number)


def _create_partition(cursor: Cursor, table: str, number: int, columns: str, format_: str) -> str:
    """Create the table that becomes the dataset's partition of `table`. Return the COPY statement that fills it.

    The statement uses FREEZE, so that index-only scans work without a vacuum. PostgreSQL allows FREEZE only in the
    transaction that created the table.
    """
    cursor.execute(f"create table {table}_{number} (like {table} including constraints, check (dataset = {number}))")
    return f"copy {table}_{number} ({columns}) from stdin (format {format_}, freeze)"


def _attach_partitions(cursor: Cursor, number: int) -> None:
    """Index the filled tables and attach them as partitions. Their check constraints make a scan unnecessary."""
    for table, key in PARTITIONED.items():
        cursor.execute(f"alter table {table}_{number} add primary key {key}")
        cursor.execute(f"analyze {table}_{number}")
        cursor.execute(f"alter table {table} attach partition {table}_{number} for values in ({number})")


def _copy_csv(
    cursor: Cursor, statement: str, rows: Iterable[Sequence[Value]], number: int, batch: int = CSV_BATCH
) -> int:
    return _copy(cursor, statement, (to_csv(several, number) for several in batched(rows, batch, strict=False)))


def _copy(cursor: Cursor, statement: str, batches: Iterable[bytes]) -> int:
    """Run a COPY for each batch, so that only one batch is in memory. Return the number of rows copied."""
    count = 0
    for batch in batches:
        cursor.copy_expert(statement, BytesIO(batch), size=1 << 20)
        count += cursor.rowcount
    return count


def to_binary(rows: NDArray[np.void], dataset: int, columns: Mapping[str, str] = CELL_ANIMAL) -> bytes:
    """Encode rows as one complete input of `copy … (format binary)`, in which every field has its length before it.

    `rows`: with a field for each of `columns` except the dataset, which is the same for all rows."""
    parts = [part for name, type_ in columns.items() for part in ((f"{name} length", ">i4"), (name, type_))]
    tuples = np.empty(len(rows), np.dtype([("fields", ">i2"), *parts]))
    tuples["fields"] = len(columns)
    for name in columns:
        tuples[name] = dataset if name == "dataset" else rows[name]
        tuples[f"{name} length"] = tuples.dtype[name].itemsize
    return _HEADER + tuples.tobytes() + _TRAILER


def to_csv(rows: Iterable[Sequence[Value]], dataset: int) -> bytes:
    """Encode rows for `copy … (format csv)`, with the dataset's number as the first column."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([dataset, *map(_csv_value, row)] for row in rows)
    return buffer.getvalue().encode()


def _csv_value(value: Value) -> str | int:
    """Return a value as a CSV field; a sequence of texts becomes a PostgreSQL array literal."""
    if isinstance(value, str | int):
        return value
    return "{" + ",".join('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value) + "}"

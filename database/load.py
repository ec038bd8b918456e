"""Load datasets and drop old ones, on a psycopg2 connection; switch.py switches between them.

    with closing(psycopg2.connect(url)) as connection:
        loaded = load(connection, read_dataset())
        activate(connection, loaded.version)

Requests continue meanwhile. A load fills new tables, which other connections cannot see before the commit. A drop waits
only briefly for its lock.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from itertools import batched
from pathlib import Path
from time import perf_counter, sleep
from typing import Final

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from database.areas.codes import read_names
from database.copy_format import CELL_ANIMAL, CELL_SEASON, Value, to_binary, to_csv
from database.dataset import Dataset
from database.ranges.words import in_words

SCHEMA: Final = Path(__file__).with_name("schema.sql")

PARTITIONED: Final = {
    "cell_animal": "(cell, dataset, animal) include (weight, status)",
    "cell": "(cell, dataset)",
    "cell_season": "(cell, dataset, animal) include (months)",
}
"""Primary key of each partitioned table.

A drop locks the tables in this order, as requests do; another order would let a drop and a reader deadlock.
"""

LOADER_LOCK: Final = 0x6661756E61  # key of the advisory lock that makes loaders take turns ("fauna" in ASCII)

DROP_TRIES: Final = 50
DROP_LOCK_TIMEOUT: Final = "100ms"
"""Requests queue behind a drop that waits for its lock, so a wait is shorter than the database timeout of a request."""
DROP_ORDER: Final = ("cell", "cell_animal", "cell_season")
"""The order in which `features_of` locks the tables. In another, a drop and a request could wait for each other."""
DROP_PAUSE: Final = 0.05  # seconds between two tries, for the queued requests

ANIMAL_COLUMNS: Final = "animal, taxon, name, scientific_name, rank, kind, lineage, animal_group"
ID_COLUMNS: Final = "inaturalist, wikidata, avibase, ebird"
STATEMENT_COLUMNS: Final = "animal, areas, words, status, certainty, extent, season, source, note"

CSV_BATCH: Final = 4096  # rows encoded as CSV at a time


class LoadError(Exception):
    """The database cannot do what was requested."""


@dataclass(frozen=True, slots=True)
class LoadedDataset:
    """A dataset in the database. `cells` and `rows`: its number of rows in the tables `cell` and `cell_animal`.

    `share`: ten thousandths of the cells for which it is on trial, or None. `in_shadow`: on trial without answering.
    """

    number: int
    version: str
    active: bool
    loaded_at: datetime
    cells: int
    rows: int
    share: int | None = None
    in_shadow: bool = False


@contextmanager
def exclusive(connection: Connection) -> Iterator[Cursor]:
    """Open a transaction during which no other load, switch or drop can run."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOADER_LOCK,))
        yield cursor


def load(connection: Connection, dataset: Dataset, report: Callable[[str], None] = print) -> LoadedDataset:
    """Load a dataset in one transaction, without activating it. Do nothing if its version is already loaded.

    Create the schema if it is missing. After a `LoadError` or an error of psycopg2 the database is unchanged.
    """
    with exclusive(connection) as cursor:
        apply_schema(cursor, report)
        if (present := _find(cursor, dataset.version)) is not None:
            return present
        cursor.execute("set local maintenance_work_mem = '128MB'")  # sorts an index of a million rows in memory
        cursor.execute("set local max_parallel_maintenance_workers = 0")  # leaves the other processors to requests
        cursor.execute(
            "insert into dataset (version, cells_loaded, rows_loaded, unknown) values (%s, 0, 0, %s) returning dataset",
            (dataset.version, [each.animal for each in dataset.unknown]),
        )
        number = _value(cursor)
        timer = _StepTimer(report)
        _copy_small_tables(cursor, number, dataset)
        timer.report(f"animals: {len(dataset.animals):,}; statements about ranges: {len(dataset.statements):,}")
        copy = _create_partition(cursor, "cell", number, "dataset, cell, coast, areas, relatives", "csv")
        cells = _copy_csv(
            cursor,
            copy,
            ((each.cell, str(each.coast), each.areas, [*map(str, each.relatives)]) for each in dataset.cells),
            number,
        )
        timer.report(f"cells: {cells:,}")
        copy = _create_partition(cursor, "cell_animal", number, ", ".join(CELL_ANIMAL), "binary")
        rows = _copy(cursor, copy, (to_binary(chunk, number) for chunk in dataset.cell_animals))
        timer.report(f"pairs of animal and cell: {rows:,}")
        copy = _create_partition(cursor, "cell_season", number, ", ".join(CELL_SEASON), "binary")
        if dataset.seasons:
            seasons = _copy(cursor, copy, (to_binary(each, number, CELL_SEASON) for each in dataset.seasons))
            timer.report(f"of these with a season: {seasons:,}")
        copy = "copy range_drawing (dataset, animal, outlines, paths) from stdin (format csv)"
        timer.report(f"outlines of ranges: {_copy_csv(cursor, copy, dataset.drawings, number, batch=64):,}")
        _attach_partitions(cursor, number)
        timer.report("indexes")
        cursor.execute(
            "update dataset set cells_loaded = %s, rows_loaded = %s where dataset = %s", (cells, rows, number)
        )
        cursor.execute("analyze dataset, source, taxon, animal, range_statement, range_drawing")
        loaded = require(cursor, dataset.version)
    timer.report("commit")
    return loaded


def apply_schema(cursor: Cursor, report: Callable[[str], None] = print) -> None:
    """Create what is missing of the schema. Report the server's warnings, such as of a missing extension."""
    notices = cursor.connection.notices
    notices.clear()
    cursor.execute(SCHEMA.read_text(encoding="utf-8"))
    for each in notices:
        if each.startswith("WARNING:"):
            report(f"warning: {each.removeprefix('WARNING:').strip()}")


def drop(connection: Connection, version: str) -> None:
    """Remove a dataset.

    Raise `LoadError` if it is active, on trial or not loaded, or if requests use it for too long.

    The rows go first, which takes longest. The locks for the tables, which requests wait for, are held briefly.
    """
    with exclusive(connection) as cursor:
        dataset = require(cursor, version)
        if dataset.active:
            raise LoadError(f"dataset {version} is active; activate another one before dropping it")
        if dataset.share is not None:
            raise LoadError(f"dataset {version} is on trial; to end it: python -m database rollback")
        cursor.execute("delete from dataset where dataset = %s", (dataset.number,))
        cursor.execute("select set_config('lock_timeout', %s, true)", (DROP_LOCK_TIMEOUT,))
        cursor.execute("savepoint before_locks")
        for _ in range(DROP_TRIES):
            try:
                for table in DROP_ORDER:
                    cursor.execute(f"drop table if exists {table}_{dataset.number}")
                return
            except errors.LockNotAvailable:
                cursor.execute("rollback to savepoint before_locks")  # releases them
                sleep(DROP_PAUSE)
        raise LoadError(
            f"dataset {version} is still in use after {DROP_TRIES} tries; end long transactions and try again"
        )


def datasets(connection: Connection) -> list[LoadedDataset]:
    """Return all datasets in the database, latest first, or an empty list if the schema is missing."""
    with connection, connection.cursor() as cursor:
        return _select_datasets(cursor)


def prune(connection: Connection, keep: int) -> list[str]:
    """Drop all but the `keep` latest datasets. Return the dropped versions.

    Those in use always stay, and the one that a rollback would return to.
    """
    with connection, connection.cursor() as cursor:
        present = _select_datasets(cursor)
        before = previous(cursor) if present else None
    idle = (each.version for each in present[keep:] if not each.active and each.share is None)
    old = [version for version in idle if version != before]
    for version in old:
        drop(connection, version)
    return old


def previous(cursor: Cursor) -> str | None:
    """Return the version that was active before the active one; None if there is none."""
    cursor.execute(
        "select version from dataset where not active and activated_at is not null order by activated_at desc limit 1"
    )
    row = cursor.fetchone()
    return str(row[0]) if row else None


def require(cursor: Cursor, version: str) -> LoadedDataset:
    """Return a loaded dataset. Raise `LoadError` if it is not in the database."""
    found = _find(cursor, version)
    if found is None:
        raise LoadError(f"dataset {version} is not in the database; list the loaded ones with: python -m database list")
    return found


class _StepTimer:
    """A timer that reports each step with its duration."""

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report, self._since = report, perf_counter()

    def report(self, step: str) -> None:
        now = perf_counter()
        self._report(f"  {now - self._since:5.2f} s  {step}")
        self._since = now


def _select_datasets(cursor: Cursor) -> list[LoadedDataset]:
    cursor.execute("select to_regclass('dataset') is not null")
    if not _value(cursor):
        return []
    cursor.execute(
        # As JSON, because a database of an earlier release lacks the last two columns.
        "select dataset, version, active, loaded_at, cells_loaded, rows_loaded, "
        "(to_jsonb(known) ->> 'share')::integer, coalesce((to_jsonb(known) ->> 'in_shadow')::boolean, false) "
        "from dataset as known order by loaded_at desc, dataset desc"
    )
    return [LoadedDataset(*row) for row in cursor.fetchall()]


def _find(cursor: Cursor, version: str) -> LoadedDataset | None:
    return next((dataset for dataset in _select_datasets(cursor) if dataset.version == version), None)


def _value(cursor: Cursor) -> int:
    """Return the only value of a query that always returns one row."""
    row = cursor.fetchone()
    assert row is not None  # noqa: S101
    value: int = row[0]
    return value


def _copy_small_tables(cursor: Cursor, number: int, dataset: Dataset) -> None:
    names = read_names()
    statements = (
        (
            animal,
            str(each.range),
            in_words(each.range, names),
            each.status,
            each.certainty,
            each.extent,
            each.season,
            each.source,
            each.note,
        )
        for animal, each in dataset.statements
    )
    for table, rows in {
        "source (dataset, source, title, citation, licence)": dataset.sources,
        "taxon (dataset, scientific_name, rank, name)": dataset.taxa,
        f"animal (dataset, {ANIMAL_COLUMNS}, {ID_COLUMNS})": ((*each[:-1], *each.facts) for each in dataset.animals),
        f"range_statement (dataset, {STATEMENT_COLUMNS})": statements,
    }.items():
        _copy_csv(cursor, f"copy {table} from stdin (format csv)", rows, number)


def _create_partition(cursor: Cursor, table: str, number: int, columns: str, format_: str) -> str:
    """Create the table that becomes the dataset's partition. Return the COPY statement that fills it.

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
    """Run one COPY per batch, so that only one batch is in memory. Return the number of rows copied."""
    count = 0
    for batch in batches:
        cursor.copy_expert(statement, BytesIO(batch), size=1 << 20)
        count += cursor.rowcount
    return count

"""Datasets in the database: load one beside the others, switch to it, drop old ones. Works on any psycopg2 connection.

    with closing(psycopg2.connect(url)) as connection:
        loaded = load(connection, read_dataset())
        activate(connection, loaded.version)

Readers are never in the way: a load fills tables that nobody sees before its commit, a switch is two rows in one
transaction, and a drop waits for its lock only briefly.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Final

from psycopg2 import errors, sql

from database import copying
from database.dataset import Dataset
from database.seed import STATUSES

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812
    from psycopg2.extensions import cursor as Cursor  # noqa: N812

    from database.copying import Stream, Value

SCHEMA: Final = Path(__file__).with_name("schema.sql")

PARTITIONED: Final = ("cell_animal", "cell")
"""In the order in which `features_of` locks them: in the other, a drop and a reader would wait for each other."""

LOCK: Final = 0x6661756E61  # "fauna": an advisory lock, so that two loaders take turns

DROP_TRIES: Final = 50
DROP_LOCK_TIMEOUT: Final = "100ms"
"""Whoever reads while a drop waits for its lock waits as well: shorter than a request's patience, and often."""
DROP_PAUSE: Final = 0.05
"""Between two tries, so that whoever waited for the last one gets through; seconds."""


class LoadError(Exception):
    """The database cannot be brought to what was asked."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A dataset in the database. `cells` and `rows`: how many of `cell` and `cell_animal`."""

    version: str
    active: bool
    loaded_at: datetime
    cells: int
    rows: int


def load(connection: "Connection", dataset: Dataset, report: Callable[[str], None] = print) -> Loaded:
    """Bring a dataset into the database, in one transaction, without switching to it; nothing if it is there already.

    The schema is laid first where it is missing. `report` is told each step with its duration.
    Raises `LoadError`, or what psycopg2 raises; the database is then as it was.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        cursor.execute(SCHEMA.read_text(encoding="utf-8"))
        if (present := _find(cursor, dataset.version)) is not None:
            return present
        cursor.execute("set local maintenance_work_mem = '128MB'")  # an index over a million rows, sorted in memory
        number = _enter(cursor, dataset.version)
        clock = _Clock(report)
        _copy_small(cursor, number, dataset)
        clock.lap(f"animals: {len(dataset.animals):,}, in {len(dataset.animal_areas):,} countries and territories")
        cells = _fill(cursor, number, "cell", _stream_of_cells(dataset, number), "csv")
        clock.lap(f"cells: {cells:,}")
        rows = _fill(cursor, number, "cell_animal", copying.binary(dataset.cell_animals, number), "binary")
        clock.lap(f"animals of cells: {rows:,} rows")
        _index(cursor, number)
        clock.lap("indexes")
        cursor.execute(
            "update dataset set cells_loaded = %s, rows_loaded = %s where dataset = %s", (cells, rows, number)
        )
        cursor.execute("analyze dataset, source, taxon, animal, animal_area")
        loaded = _find(cursor, dataset.version)
    clock.lap("commit")
    assert loaded is not None  # noqa: S101 - written a moment ago
    return loaded


def activate(connection: "Connection", version: str) -> None:
    """Switch to a loaded dataset in one transaction. Raises `LoadError` if it is not loaded."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        _require(cursor, version)
        cursor.execute("update dataset set active = false where active and version <> %s", (version,))
        cursor.execute("update dataset set active = true where not active and version = %s", (version,))


def drop(connection: "Connection", version: str) -> None:
    """Remove a dataset. Raises `LoadError` if it is active, not there, or in use for too long."""
    for _ in range(DROP_TRIES):
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
                if _require(cursor, version).active:
                    raise LoadError(f"dataset {version} is active; activate another one before dropping it")
                cursor.execute("select dataset from dataset where version = %s", (version,))
                (number,) = _row(cursor)
                cursor.execute("select set_config('lock_timeout', %s, true)", (DROP_LOCK_TIMEOUT,))
                for table in PARTITIONED:
                    cursor.execute(sql.SQL("drop table {}").format(_partition(table, number)))
                cursor.execute("delete from dataset where dataset = %s", (number,))
                return
        except errors.LockNotAvailable:
            sleep(DROP_PAUSE)
    raise LoadError(f"dataset {version} was in use the whole time; end long transactions and try again")


def datasets(connection: "Connection") -> list[Loaded]:
    """All datasets in the database, latest first; none if the schema is missing."""
    with connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('dataset') is not null")
        if not _row(cursor)[0]:
            return []
        cursor.execute(f"{_DATASETS} order by loaded_at desc, dataset desc")
        return [Loaded(*row) for row in cursor.fetchall()]


def prune(connection: "Connection", keep: int) -> list[str]:
    """Drop all but the `keep` latest datasets; the active one always stays. Returns the versions dropped."""
    old = [each.version for each in datasets(connection)[keep:] if not each.active]
    for version in old:
        drop(connection, version)
    return old


_DATASETS: Final = "select version, active, loaded_at, cells_loaded, rows_loaded from dataset"


class _Clock:
    def __init__(self, report: Callable[[str], None]) -> None:
        self._report, self._since = report, perf_counter()

    def lap(self, what: str) -> None:
        now = perf_counter()
        self._report(f"  {now - self._since:5.2f} s  {what}")
        self._since = now


def _find(cursor: "Cursor", version: str) -> Loaded | None:
    cursor.execute(f"{_DATASETS} where version = %s", (version,))
    row = cursor.fetchone()
    return None if row is None else Loaded(*row)


def _require(cursor: "Cursor", version: str) -> Loaded:
    cursor.execute("select to_regclass('dataset') is not null")
    found = _find(cursor, version) if _row(cursor)[0] else None
    if found is None:
        raise LoadError(f"dataset {version} is not in the database; see which are with: python -m database list")
    return found


def _row(cursor: "Cursor") -> tuple[int, ...]:
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 - the query always gives one
    return row


def _enter(cursor: "Cursor", version: str) -> int:
    cursor.execute(
        "insert into dataset (version, cells_loaded, rows_loaded) values (%s, 0, 0) returning dataset", (version,)
    )
    return _row(cursor)[0]


def _copy_small(cursor: "Cursor", number: int, dataset: Dataset) -> None:
    small: list[tuple[str, str, Iterable[Sequence[Value]]]] = [
        ("source", "source, title, citation, licence", dataset.sources),
        ("taxon", "scientific_name, rank, name", dataset.taxa),
        ("animal", "animal, name, scientific_name, rank, kind, lineage", dataset.animals),
        (
            "animal_area",
            "animal, area, status, source",
            ((each.animal, each.area, STATUSES[each.status], each.source) for each in dataset.animal_areas),
        ),
    ]
    for table, columns, rows in small:
        cursor.copy_expert(f"copy {table} (dataset, {columns}) from stdin (format csv)", copying.text(rows, number))


def _stream_of_cells(dataset: Dataset, number: int) -> "Stream":
    return copying.text(((cell.cell, str(cell.coast), cell.areas) for cell in dataset.cells), number)


_COLUMNS: Final = {"cell": "dataset, cell, coast, areas", "cell_animal": copying.CELL_ANIMAL_COLUMNS}


def _partition(table: str, number: int) -> sql.Identifier:
    return sql.Identifier(f"{table}_{number}")


def _fill(cursor: "Cursor", number: int, table: str, stream: "Stream", form: str) -> int:
    """COPY into a fresh table that nobody sees yet. Frozen, so that index-only scans need no vacuum first."""
    partition = _partition(table, number)
    cursor.execute(
        sql.SQL("create table {} (like {} including constraints, check (dataset = {}))").format(
            partition, sql.Identifier(table), sql.Literal(number)
        )
    )
    copy = sql.SQL("copy {} ({}) from stdin (format {}, freeze)").format(
        partition, sql.SQL(_COLUMNS[table]), sql.SQL(form)
    )
    try:
        cursor.copy_expert(copy.as_string(cursor), stream, size=1 << 20)
    except errors.QueryCanceled:
        if stream.error is not None:
            raise stream.error from None
        raise
    return stream.rows


def _index(cursor: "Cursor", number: int) -> None:
    """Index the filled tables and make them partitions; the check spares PostgreSQL reading them again for that."""
    keys = {"cell": "(cell, dataset)", "cell_animal": "(cell, dataset, animal) include (weight, status)"}
    for table in PARTITIONED:
        partition = _partition(table, number)
        cursor.execute(sql.SQL("alter table {} add primary key {}").format(partition, sql.SQL(keys[table])))
        cursor.execute(sql.SQL("analyze {}").format(partition))
        cursor.execute(
            sql.SQL("alter table {} attach partition {} for values in ({})").format(
                sql.Identifier(table), partition, sql.Literal(number)
            )
        )

"""Count the records of tables by name and cell, in a DuckDB database on disk: with little memory, and resumable.

Each part of a table, some rows of a Parquet file or of a text, is counted in a transaction of its own, which also notes
that the part is done. A second run with the same files and filters counts only what is left.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple, Self

import duckdb
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from faunalens.data.maintain.occurrences import relations
from faunalens.data.maintain.occurrences.cells import cells_of, create_cell_tables
from faunalens.data.maintain.occurrences.filters import Filters, reason_query
from faunalens.data.maintain.occurrences.records import (
    NAME_TEXTS,
    column_names,
    counts_by_country,
    name_query,
    normal_query,
)
from faunalens.data.maintain.occurrences.relations import PART, Relation
from faunalens.data.maintain.occurrences.tables import OccurrenceError, ParquetTable, Table, TextTable, pattern_of

MEMORY: Final = 1_500_000_000
"""Bytes for DuckDB and Python together, by default."""
_LEAST_MEMORY: Final = 400_000_000
"""Bytes that DuckDB and Python need before they read any part of a text."""
_LINE_MEMORY: Final = 7_000
"""Bytes for each line of a part. DuckDB needs 1,700, a quarter, for each unreadable line, in addition to its limit."""
PART_ROWS: Final = 25_000_000
"""Rows of a part of a Parquet file: a minute's work. Smaller parts would count the same names and cells more often."""
_READING: Final = 5
"""Version of how records are read. Raise it when that changes, so that no run continues with earlier counts."""
_INTERRUPTED: Final = "Query interrupted"
"""What DuckDB says in a `RuntimeError` for Ctrl-C."""
_SHOWN: Final = 5  # most faulty rows that are quoted as examples
_PAUSE: Final = 10.0  # seconds between two lines of progress

_SCHEMA: Final = f"""
    create table part (part integer, source varchar, number integer);
    create table counted (
        part integer, dropped integer, name ubigint, cell bigint, country varchar, month utinyint,
        records double, rows bigint
    );
    create table listed (name ubigint, country varchar, is_introduced boolean);
    create table faulty (source varchar, line bigint, fault varchar, text varchar);
    create table names (name ubigint, {", ".join(f'"{each}" varchar' for each in NAME_TEXTS)});
"""

type Show = Callable[[float | None, int], None]
"""Shows how far a table is read: the share of it, 0 to 1, or None if its size is unknown, and the number of rows."""


class Faulty(NamedTuple):
    """A row that cannot be read. `line`: its number in `source`, without the header's lines."""

    source: str
    line: int
    fault: str
    text: str


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Numbers of rows: `rows`, all of them; `dropped`, rows that do not count, by reason; `faulty`, unreadable rows."""

    rows: int
    dropped: Mapping[str, int]
    faulty: int
    examples: Sequence[Faulty]

    @property
    def kept(self) -> int:
        """Return the number of rows that were neither dropped nor faulty."""
        return self.rows - self.faulty - sum(self.dropped.values())


@contextmanager
def table_progress(
    what: str, report: Callable[[str], None], console: Console | None = None, clock: Callable[[], float] = perf_counter
) -> Iterator[Show]:
    """Show how much of a table has been read: as a bar on a terminal, else by a line to `report` every ten seconds."""
    console = console or Console(stderr=True)
    started = shown = clock()
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[rows]:,} rows"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None, rows=0)

        def show(share: float | None, rows: int) -> None:
            nonlocal shown
            now = clock()
            progress.update(task, completed=share or 0, total=1 if share else None, rows=rows)
            if not console.is_terminal and now - shown >= _PAUSE:
                shown, seconds = now, now - started
                text = f"{rows:,} rows, {rows / seconds:,.0f} a second"
                if share:
                    text = f"{share:.0%}, {text}, {timedelta(seconds=round(seconds / share - seconds))} left"
                report(f"           {what}: {text}")

        yield show


class Workspace:
    """The counts of records, in a database in a folder.

    `size`: bytes of a part of a text. `rows`: rows of a part of a Parquet file. `months`: whether to count each month
    separately. `memory`: bytes that DuckDB and Python may use together; if it is low, parts are smaller.
    """

    def __init__(
        self,
        folder: Path,
        filters: Filters,
        size: int = PART,
        rows: int = PART_ROWS,
        *,
        months: bool = False,
        memory: int = MEMORY,
    ) -> None:
        if memory < _LEAST_MEMORY:
            raise OccurrenceError(f"--memory is {memory / 1e6:.0f} MB; give at least {_LEAST_MEMORY / 1e6:.0f}")
        size = min(size, memory // 11)
        self._filters, self._size, self._rows, self._lines = filters, size, rows, memory // _LINE_MEMORY
        of_duckdb = f"{memory - _LEAST_MEMORY // 2 - 3 * size}B"  # three copies of a part: read, joined, converted
        self.months = months
        settings = f"{_SCHEMA} {_READING} {filters!r} {months} {size} {rows} {self._lines} {duckdb.__version__}"
        file = folder / f"{hashlib.sha256(settings.encode()).hexdigest()[:12]}.duckdb"
        self._part = file.with_suffix(".part")  # not shared with a load of other filters, which may run meanwhile
        self.is_resumed = file.is_file()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"{folder} cannot be created ({error.strerror}); give another folder with --work"
            raise OccurrenceError(message) from error
        config: dict[str, Any] = {"memory_limit": of_duckdb, "preserve_insertion_order": False}
        try:
            self.connection = duckdb.connect(file, config=config)
        except duckdb.Error as error:
            raise OccurrenceError(f"{file} cannot be opened ({_first_line(error)}); end any other load") from error
        self.connection.execute("set temp_directory = $1", [str(file.with_suffix(".spilled"))])
        if not self.connection.execute("from duckdb_tables() where table_name = 'names'").fetchall():
            self.connection.execute(_SCHEMA)
        create_cell_tables(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Close the workspace. Raise `OccurrenceError` for an error of DuckDB, such as a full disk."""
        self.connection.close()
        if isinstance(error, duckdb.Error):
            raise OccurrenceError(f"DuckDB: {_first_line(error)}; run the same command again to continue") from error
        if isinstance(error, RuntimeError) and _INTERRUPTED in str(error):
            raise KeyboardInterrupt from error

    def read(self, tables: Iterable[Table], report: Callable[[str], None] = print) -> None:
        """Count the records of all tables, but skip parts that an earlier run counted. Raise `OccurrenceError`."""
        every = list(tables)
        done = {source for (source,) in self.connection.execute("select distinct source from part").fetchall()}
        if done - set(map(_identity, every)):  # a count does not say from which file it comes
            self.is_resumed = False
            for name in ("part", "counted", "faulty", "listed", "names"):
                self.connection.execute(f"delete from {name}")
        for number, table in enumerate(every, 1):
            started = perf_counter()
            try:
                with table_progress(str(table), report) as show:
                    rows = self._text(table, show) if isinstance(table, TextTable) else self._parquet(table, show)
            except duckdb.Error as error:
                raise OccurrenceError(f"{table}: {_first_line(error)}") from error
            seconds = perf_counter() - started
            what = f"{rows:,} rows, {rows / seconds:,.0f} a second" if rows else "no rows, or counted before"
            report(f"  {seconds:6.1f} s  {number} of {len(every)}: {table}: {what}")

    def counts(self) -> RowCounts:
        """Return the numbers of rows that were read, dropped and faulty."""
        ask = self.connection.execute
        dropped = dict(ask("select dropped, sum(rows)::bigint from counted group by all").fetchall())
        ((faulty,),) = ask("select count(*) from faulty").fetchall()
        examples = ask("from faulty order by source, line limit $1", [_SHOWN]).fetchall()
        by_reason = {text: dropped.get(number, 0) for number, text in enumerate(self._filters.reasons)}
        return RowCounts(sum(dropped.values()) + faulty, by_reason, faulty, [Faulty(*each) for each in examples])

    def _parquet(self, table: ParquetTable, show: Show) -> int:
        query = "select count(*) from read_parquet($1)"
        ((rows,),) = self.connection.execute(query, [pattern_of(table.path)]).fetchall()
        total = 0
        for number, start in enumerate(range(0, rows, self._rows)):
            part = range(start, min(rows, start + self._rows))
            if not self._is_done(table, number):
                total += self._count(table, number, relations.of_parquet(table, part), 0)
            show(part.stop / rows, total)
        return total

    def _text(self, table: TextTable, show: Show) -> int:
        file = self._part
        total = done = lines = 0
        if table.cores:
            relations.create_core(self.connection, table, file)
        with table.opened() as (text, size):
            for number, part in enumerate(relations.parts_of(text, table.format, self._size, self._lines)):
                done += len(part)
                if not self._is_done(table, number):
                    relations.write_part(file, part)
                    total += self._count(table, number, relations.of_text(file, table), lines)
                lines += part.count(b"\n")
                show(done / size if size else None, total)
        file.unlink(missing_ok=True)
        return total

    def _count(self, table: Table, number: int, relation: Relation, lines: int) -> int:
        """Count a part of a table in one transaction. Return the part's number of readable rows.

        `number`: the part's number. `relation`: its rows. `lines`: number of lines in the table before the part.
        """
        ask = self.connection.execute
        ask("begin")
        try:
            ((part,),) = ask("select count(*) from part").fetchall()
            self._add(part, table, relation)
            if isinstance(table, TextTable):
                if relations.copy_short_rows(self.connection, self._part):
                    self._add(part, table, relations.of_text(self._part, table, relations.PADDED))
                ask(
                    "insert into faulty select $1, line + $2, "
                    "any_value(concat(lower(error_type::varchar), if(contains(csv_line, chr(10)), "
                    "concat(' in at least ', len(string_split(csv_line, chr(10))), ' lines'), ''))), "
                    "any_value(left(replace(csv_line, chr(10), ' '), 80)) from reject_errors group by line",
                    [str(table), lines],
                )
            ((rows,),) = ask("select coalesce(sum(rows), 0)::bigint from counted where part = $1", [part]).fetchall()
            ask("insert into part values ($1, $2, $3)", [part, _identity(table), number])
            ask("commit")
        except BaseException:
            ask("rollback")
            raise
        finally:
            for each in ("reject_errors", "reject_scans"):
                ask(f"drop table if exists {each}")
        return int(rows)

    def _add(self, part: int, table: Table, relation: Relation) -> None:
        """Add the records of a relation, and their names, to the counts of the part with the number `part`."""
        ask = self.connection.execute
        relation = relations.with_places(self.connection, relation, table)
        ask(f"insert into counted select {part}, * from ({count_query(relation, self._filters, self.months)})")
        if isinstance(table, TextTable) and table.is_checklist:
            is_introduced = "coalesce(bool_and(establishment in ('introduced', 'invasive', 'naturalised')), false)"
            listed = f"from ({_checked(relation, self._filters)}) where dropped is null and country is not null"
            ask(f"insert into listed select name, country, {is_introduced} {listed} group by all")
        new = f"select name from counted where part = {part} and name is not null except select name from names"
        if ask(f"select exists ({new})").fetchall() == [(True,)]:

            def wanted(name: str) -> str:
                if not relation.has_row_numbers:
                    return f"{name} in ({new})"
                # read one row of each name, instead of grouping all rows
                rows_of_new = f"select min(file_row_number) from {relation.sql} where {name} in ({new})"
                return f"file_row_number in ({rows_of_new} group by {name})"

            ask(f"insert into names {name_query(relation.sql, relation.types, relation.constants, wanted)}")

    def _is_done(self, table: Table, number: int) -> bool:
        query = "from part where source = $1 and number = $2"
        return bool(self.connection.execute(query, [_identity(table), number]).fetchall())


def count_query(relation: Relation, filters: Filters, months: bool = False) -> str:
    """Return SQL that counts records and rows by name, cell or country, reason to drop them and, if `months`, month."""
    found = column_names(relation.columns)
    kept = {"lat": "lat", "name": "name"}
    if "cell" in found:
        kept["own_cell"] = "cell"
    if counts_by_country(found.values()):
        kept["country"] = "country"
    if months:
        kept["month"] = "month"
    selected = ", ".join(f"if(dropped is null, {sql}, null) as {name}" for name, sql in kept.items())
    placed = cells_of(f"(select dropped, lon, records, {selected} from ({_checked(relation, filters)}))")
    cell = "coalesce(own_cell, cell)" if "own_cell" in kept else "cell"
    return f"""
        select dropped, name, {cell} as cell, {"country" if "country" in kept else "null"} as country,
            {"month" if months else "null"} as month,
            {"sum(records)" if "records" in found else "count(*)"} as records, count(*) as rows
        from ({placed})
        group by all"""


def _checked(relation: Relation, filters: Filters) -> str:
    records = normal_query(relation.sql, relation.types, relation.constants)
    return f"select *, {reason_query(filters)} as dropped from ({records})"


def _identity(table: Table) -> str:
    stat = table.path.stat()
    return f"{table} of {stat.st_size} bytes at {stat.st_mtime_ns}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")

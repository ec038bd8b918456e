"""Turn tables of occurrences into SQL relations: a file, joined with its core and with the places of its grid cells.

A text of any size is read in parts of whole records, in UTF-8, whatever is quoted in it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

import numpy as np
from duckdb import DuckDBPyConnection

from faunalens.data.maintain.occurrences.cells import create_table
from faunalens.data.maintain.occurrences.darwin_core import TextFormat
from faunalens.data.maintain.occurrences.grids import grid_cells
from faunalens.data.maintain.occurrences.records import column_names, literal, quoted
from faunalens.data.maintain.occurrences.tables import OccurrenceError, ParquetTable, TextTable, pattern_of

_PLACE: Final = {"decimalLatitude": "lat", "decimalLongitude": "lon", "gridMetres": "metres"}


@dataclass(frozen=True, slots=True)
class Relation:
    """A table in SQL. `types`: DuckDB's type of each column.

    `constants`: values of further columns, the same in each row. `has_row_numbers`: it also has `file_row_number`.
    """

    sql: str
    types: Mapping[str, str]
    constants: Mapping[str, str] = field(default_factory=dict)
    has_row_numbers: bool = False

    @property
    def columns(self) -> list[str]:
        """Return the names of all columns."""
        return [*self.types, *self.constants]


def of_parquet(table: ParquetTable, rows: range) -> Relation:
    """Return the relation of some rows of a Parquet file. DuckDB reads only the row groups that contain these rows."""
    file = f"read_parquet({literal(pattern_of(table.path))}, file_row_number=true)"
    sql = f"(from {file} where file_row_number between {rows.start} and {rows.stop - 1})"
    return Relation(sql, table.types, has_row_numbers=True)


STORED: Final = "store_rejects=true"
PADDED: Final = "null_padding=true"
"""Options of DuckDB's reader: put unreadable rows into the table `reject_errors`; fill rows that end early."""


def of_text(file: Path, table: TextTable, option: str = STORED) -> Relation:
    """Return the relation of `file`, a part of a table's text, joined with `core_row` if the table has a core."""
    own = _of_format(file, table.format, option)
    if not table.cores:
        return own
    core = table.cores[0].format
    shared = own.types.keys() & (of_core := _types(core)).keys()
    columns = [f"record.{quoted(name)}" for name in own.types if name not in shared]
    columns += [f"coalesce(nullif(record.{name}, ''), core_row.{name}) as {name}" for name in map(quoted, shared)]
    columns += [f"core_row.{quoted(name)}" for name in of_core if name not in shared]
    ids = f"record.{quoted(_identity(table.format))} = core_row.{quoted(_identity(core))}"
    sql = f"(select {', '.join(columns)} from {own.sql} as record left join core_row on {ids})"
    return Relation(sql, {**of_core, **own.types}, {**core.constants, **own.constants})


def create_core(connection: DuckDBPyConnection, table: TextTable, file: Path) -> None:
    """Create the temporary table `core_row` with a table's core. `file`: overwritten with its parts, one by one."""
    core = table.cores[0].format
    names = ", ".join(f"{quoted(_name(core, number))} varchar" for number in range(len(core.columns)))
    connection.execute(f"create or replace temp table core_row ({names})")
    for each in table.cores:
        with each.opened() as (text, _):
            for part in parts_of(text, core):
                write_part(file, part)
                connection.execute(f"insert into core_row from {_of_format(file, core).sql}")


def copy_short_rows(connection: DuckDBPyConnection, file: Path) -> bool:
    """Move rejected rows that only lack their last columns to `file`. Return whether there are any.

    A row of several lines stays rejected: it may have an unclosed quote, and so contain the rows after it.
    """
    is_short = "error_type = 'MISSING COLUMNS' and not contains(csv_line, chr(10))"
    rows = connection.execute(f"select any_value(csv_line) from reject_errors where {is_short} group by line")
    file.unlink(missing_ok=True)
    while some := rows.fetchmany(100_000):
        with file.open("ab") as text:
            text.writelines(f"{line}\n".encode() for (line,) in some)
    connection.execute(f"delete from reject_errors where {is_short}")
    return file.exists()


def write_part(file: Path, part: bytes) -> None:
    """Write a part of a text to `file`, for DuckDB. Raise `OccurrenceError` if that fails."""
    try:
        file.write_bytes(part)
    except OSError as error:
        file.unlink(missing_ok=True)
        advice = f"free at least {len(part):,} bytes, or give another folder with --work"
        message = f"{file} cannot be written ({error.strerror}); {advice}; run the same command again to continue"
        raise OccurrenceError(message) from error


def with_places(connection: DuckDBPyConnection, relation: Relation, table: object) -> Relation:
    """Add latitude, longitude and uncertainty to a relation if it has a column with codes of grid cells.

    Raise `OccurrenceError` if none of the codes is known. `table`: names the table in the message.
    """
    found = column_names(relation.columns)
    name = found.get("code", "")
    if "lat" in found or name not in relation.types:
        return relation
    code = f"trim(cast({quoted(name)} as varchar))"
    codes = [text for (text,) in connection.execute(f"select distinct {code} from {relation.sql}").fetchall() if text]
    cells = grid_cells(codes)
    if codes and not cells and "cell" not in found:
        raise OccurrenceError(
            f"{table}: '{codes[0][:60]}' in {name} is not a code of a known grid (docs/how-to/occurrences.md)"
        )
    columns = {each: np.array([getattr(cell, each) for cell in cells.values()], float) for each in _PLACE.values()}
    create_table(connection, "grid", {"code": np.array([*cells], object), **columns})
    places = ", ".join(f"grid.{ours} as {quoted(theirs)}" for theirs, ours in _PLACE.items())
    sql = f"(select record.*, {places} from {relation.sql} as record left join grid on grid.code = {code})"
    return replace(relation, sql=sql, types={**relation.types, **dict.fromkeys(_PLACE, "DOUBLE")})


def _of_format(file: Path, format_: TextFormat, *more: str) -> Relation:
    columns = ", ".join(f"{literal(_name(format_, number))}: 'VARCHAR'" for number in range(len(format_.columns)))
    quote = literal(format_.quote)
    options = {"delim": literal(format_.delimiter), "quote": quote, "escape": quote, "columns": f"{{{columns}}}"}
    # As in GBIF's own reader, a row that ends early has no values for its last columns. If values may be quoted, DuckDB
    # would then take an open quote for a closed one and hide the rows it swallows; so `copy_short_rows` finds the rows.
    padding = {PADDED} if not format_.quote else set()
    given = ", ".join([*(f"{name}={value}" for name, value in options.items()), *sorted({*more, *padding})])
    sql = f"read_csv({literal(pattern_of(file))}, {given}, header=false, auto_detect=false, ignore_errors=true)"
    if filled := ", ".join(
        f"coalesce(nullif(trim({quoted(name)}), ''), {literal(value)}) as {quoted(name)}"
        for name, value in format_.defaults.items()
        if name in format_.columns
    ):
        sql = f"(select * replace ({filled}) from {sql})"
    return Relation(sql, _types(format_), format_.constants)


def _types(format_: TextFormat) -> dict[str, str]:
    return dict.fromkeys(filter(None, format_.columns), "VARCHAR")


def _identity(format_: TextFormat) -> str:
    return _name(format_, format_.identity or 0)


def _name(format_: TextFormat, number: int) -> str:
    return format_.columns[number] or f"unused column {number}"


PART: Final = 128 << 20
"""Bytes of a part: some 300,000 records of GBIF's simple CSV."""
MOST_RECORD: Final = 16 << 20
"""Largest record in bytes; the longest at GBIF has some 100 kB. Without a limit, a text without line feeds fills all
memory."""


def parts_of(text: IO[bytes], format_: TextFormat, size: int = PART, lines: int = PART) -> Iterator[bytes]:
    """Yield the records of a text in parts of about `size` bytes and at most `lines` lines, in UTF-8, without header.

    So a text of any size needs little space on disk, and an interrupted run can be resumed.

    A part ends with a line feed outside of quotes. All lines of a part end with a line feed alone, as DuckDB's reader
    expects, and a carriage return within a value becomes a space. Bytes that are invalid in the text's encoding stay,
    or are replaced if the text is converted.
    """
    for _ in range(format_.header_lines):
        text.readline(MOST_RECORD)
    quote, rest = format_.quote.encode(), b""
    while block := text.read(size):
        block = rest + block
        # Without a whole record, a quote is unclosed: end at the last line feed, so that the rest of the text counts.
        end = _length_of_records(block, quote) or block.rfind(b"\n") + 1
        rest = block[end:]
        if len(rest) > MOST_RECORD:
            advice = "expected one record a line; check for a missing closing quote, and that lines end with line feeds"
            raise OccurrenceError(f"a record has more than {MOST_RECORD >> 20} MB; {advice}")
        for part in _halved(block[:end], quote, lines) if end else ():
            yield _converted(part, format_.encoding)
    if rest.strip(b"\r\n"):
        yield _converted(rest if rest.endswith(b"\n") else rest + b"\n", format_.encoding)


def _halved(block: bytes, quote: bytes, lines: int) -> Iterator[bytes]:
    """Yield the whole records of a block in parts of at most `lines` lines; a longer record is a part of its own."""
    middle = len(block) // 2
    end = _length_of_records(block[:middle], quote) or _end_of_record(block, middle, quote)
    if block.count(b"\n") > lines and end < len(block):
        yield from _halved(block[:end], quote, lines)
        yield from _halved(block[end:], quote, lines)
    else:
        yield block


def _end_of_record(block: bytes, start: int, quote: bytes) -> int:
    """Return the position after the end of the record that contains the position `start`."""
    is_open = block.count(quote, 0, start) % 2 if quote else 0
    while end := block.find(b"\n", start) + 1:
        is_open ^= block.count(quote, start, end) % 2 if quote else 0
        if not is_open:
            return end
        start = end
    return len(block)


def _length_of_records(block: bytes, quote: bytes) -> int:
    """Return the number of bytes that the whole records at the start of a block take; 0 without one.

    A line feed ends a record if the number of quotes before it is even.
    """
    end = block.rfind(b"\n") + 1
    is_open = block.count(quote, 0, end) % 2 if quote else 0
    while end and is_open:
        before = block.rfind(b"\n", 0, end - 1) + 1
        is_open ^= block.count(quote, before, end) % 2
        end = before
    return end


def _converted(records: bytes, encoding: str) -> bytes:
    if encoding not in ("utf-8", "ascii"):
        records = records.decode(encoding, "replace").encode()
    if b"\r" in records:
        records = records.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    return records

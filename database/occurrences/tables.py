"""The tables in a file of occurrences, told by the file's content, never by its name.

A table is Parquet, or text in a zip, in gzip or by itself. A Darwin Core Archive says in its meta.xml how its text is
written; the first line of other text does: GBIF writes tab-separated text without quoting, others quote.
"""

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final, cast

from database.dataset_files import DatasetError, join_some
from database.occurrences.columns import missing_columns
from database.occurrences.darwin_core import META, Archive, ArchiveError, TextFormat, read_meta

_LONGEST_HEADER: Final = 1 << 20


class OccurrenceError(DatasetError):
    """A file of occurrences cannot be read, or is none."""


@dataclass(frozen=True, slots=True)
class TextTable:
    """Text with a record in each line. `member`: its name in the zip `path`; empty if `path` is the text itself.

    `cores`: the tables of events or taxa to which the records refer. `is_checklist`: whether a record only says that a
    taxon lives in a country.
    """

    path: Path
    format: TextFormat
    member: str = ""
    cores: tuple["TextTable", ...] = ()
    is_checklist: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns as they are in the file, and those of its core."""
        of_core = self.cores[0].columns if self.cores else ()
        return (*self.format.columns, *self.format.constants, *of_core)

    @contextmanager
    def opened(self) -> Iterator[tuple[IO[bytes], int]]:
        """Open the text, decompressed. Yield it with its size in bytes, or 0 if unknown. Raise `OccurrenceError`."""
        try:
            if self.member:
                with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as file:
                    yield file, archive.getinfo(self.member).file_size
            elif _starts_with(self.path, b"\x1f\x8b"):
                with gzip.open(self.path) as unpacked:
                    yield cast("IO[bytes]", unpacked), 0
            else:
                with self.path.open("rb") as file:
                    yield file, self.path.stat().st_size
        except (
            OSError,
            EOFError,
            zlib.error,
            zipfile.BadZipFile,
            KeyError,
            RuntimeError,
            NotImplementedError,
        ) as error:
            raise OccurrenceError(f"{self} cannot be read ({error}); download it again") from error

    def __str__(self) -> str:
        return f"{self.path}/{self.member}" if self.member else str(self.path)


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file. `types`: DuckDB's type of each column."""

    path: Path
    types: dict[str, str] = field(hash=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns as they are in the file."""
        return tuple(self.types)

    def __str__(self) -> str:
        return str(self.path)


type Table = TextTable | ParquetTable


def tables_in(path: Path) -> list[Table]:
    """Return the tables of a file, or of a folder with Parquet files or an unpacked archive.

    Raise `OccurrenceError` if it has no occurrences with a name and a place. The message names the file and the fault.
    """
    try:
        found = _tables_in(path)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, ArchiveError) as error:
        raise OccurrenceError(f"{path}: {error}") from error
    for table in found:
        if missing := missing_columns(table.columns):
            has = join_some(table.columns, 12)
            raise OccurrenceError(f"{table} has no column for {missing}; it has {has} (docs/how-to/occurrences.md)")
    return found


def _tables_in(path: Path) -> list[Table]:
    if path.is_dir():
        if (path / META).is_file():
            return _of_archive(
                read_meta((path / META).read_bytes()), lambda location, each: TextTable(path / location, each)
            )
        files = sorted(file for file in path.rglob("*") if file.is_file() and _starts_with(file, b"PAR1"))
        if not files:
            raise OccurrenceError(f"{path} has neither Parquet files nor a {META}")
        return [_parquet(file) for file in files]
    if _starts_with(path, b"PAR1"):
        return [_parquet(path)]
    if not _starts_with(path, b"PK\x03\x04"):
        return [TextTable(path, _format_of(TextTable(path, TextFormat())))]
    with zipfile.ZipFile(path) as archive:
        members = [each.filename for each in archive.infolist() if not each.is_dir()]
        if META in members:
            return _of_archive(read_meta(archive.read(META)), lambda location, each: TextTable(path, each, location))
    texts = [each for each in members if each.lower().endswith((".csv", ".tsv", ".txt"))]
    if len(members) != 1 and len(texts) != 1:
        raise OccurrenceError(
            f"{path} has {len(members)} files but no {META}, so that none is known to be the occurrences; "
            "unpack it, and give the file with the occurrences, or the folder with the Parquet files"
        )
    member = (texts or members)[0]
    return [TextTable(path, _format_of(TextTable(path, TextFormat(), member)), member)]


def _of_archive(archive: Archive, table: Callable[[str, TextFormat], TextTable]) -> list[Table]:
    core, records = archive.core, archive.records
    cores = tuple(table(each, core.format) for each in core.locations) if core else ()
    return [
        replace(table(each, records.format), cores=cores, is_checklist=archive.is_checklist)
        for each in records.locations
    ]


def _format_of(table: TextTable) -> TextFormat:
    """Return how a text is written, from its first line. Raise `OccurrenceError`."""
    with table.opened() as (file, _):
        first = file.readline(_LONGEST_HEADER)
    try:
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise OccurrenceError(f"{table} is neither Parquet nor a zip nor text in UTF-8") from error
    delimiter = max("\t,;", key=line.count)
    quote = "" if delimiter == "\t" else '"'
    names = line.split("\t") if delimiter == "\t" else next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    if len(names) < 2 or "\0" in line:
        raise OccurrenceError(f"{table}: expected a line with the names of columns, got '{line[:60]}'")
    return TextFormat(tuple(name.strip() for name in names), delimiter=delimiter, quote=quote, header_lines=1)


def _parquet(path: Path) -> ParquetTable:
    import duckdb  # only operators have it

    try:
        rows: Sequence[tuple[str, ...]] = duckdb.execute(
            "describe select * from read_parquet($1)", [str(path)]
        ).fetchall()
    except duckdb.Error as error:
        raise OccurrenceError(f"{path} is no readable Parquet file: {str(error).splitlines()[0]}") from error
    return ParquetTable(path, {name: type_ for name, type_, *_ in rows})


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic

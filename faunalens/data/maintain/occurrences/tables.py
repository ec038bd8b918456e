"""Find the tables in a file of occurrences, by the file's content, never by its name, and open their text.

A table is Parquet, or text in a zip, in gzip or uncompressed. A Darwin Core Archive says in its meta.xml how its text
is written. For other text, the first line shows it: GBIF writes tab-separated text without quotes, others quote.
"""

import csv
import glob
import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final, cast

from faunalens.data.dataset_files import DatasetError, join_some
from faunalens.data.maintain.occurrences import darwin_core
from faunalens.data.maintain.occurrences.darwin_core import META, Archive, ArchiveError, TextFormat, unique
from faunalens.data.maintain.occurrences.records import missing_columns

_LONGEST_HEADER: Final = 1 << 20
_SPREADSHEET: Final = "[Content_Types].xml"
"""A member of each spreadsheet, which is a zip too."""
_OF_A_MAC: Final = re.compile(r"^__MACOSX/|(^|/)\._[^/]*$|(^|/)\.DS_Store$")
"""Names of members that macOS itself adds to an archive."""
_ADVICE: Final = (
    (rb"PAR1", "is Parquet; unpack it, and give the file, or the folder with all of them"),
    (rb"PK\x03\x04", "is a zip within a zip; unpack the outer one"),
    (rb"PK", "is an empty zip; download it again"),
    (rb".{257}ustar", "is a tar archive; unpack it, and give the file with the occurrences, or the folder"),
    (rb"\xff\xfe|\xfe\xff|[^\0]\0", "is text in UTF-16; save it as UTF-8"),
    (rb"\s*<", "is a web page or XML, perhaps an answer to a link that has expired; download the occurrences again"),
    (rb"[^\r\n]*\r[^\n]", "has lines that end with carriage returns alone; save it with line feeds"),
)
"""The first bytes of files that are no text to read, and what to do about each."""


class OccurrenceError(DatasetError):
    """A file cannot be read, or contains no occurrences."""


BROKEN: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile, tarfile.TarError)
"""Errors of reading a file that is damaged or missing."""


type Open = Callable[[str], IO[bytes]]
"""Opens a member of an archive by its name. Raises `KeyError` if there is no such member."""


@contextmanager
def packed(path: Path) -> Iterator[tuple[dict[str, int], Open]]:
    """Open an archive: a zip, or a tar, compressed or not. Raise one of the errors `BROKEN` if it is faulty.

    Yield the size in bytes of each member that is a file, by its name, and what opens a member.
    """
    if _starts_with(path, b"PK"):
        with zipfile.ZipFile(path) as file:
            yield {each.filename: each.file_size for each in file.infolist() if not each.is_dir()}, file.open
        return
    with tarfile.open(path) as archive:
        # many programs begin the names in a tar with `./`
        files = {str(PurePosixPath(each.name)): each for each in archive if each.isfile()}
        sizes = {name: each.size for name, each in files.items()}
        yield sizes, lambda name: cast("IO[bytes]", archive.extractfile(files[name]))


@dataclass(frozen=True, slots=True)
class TextTable:
    """A text file of records. `member`: its name in the archive `path`; empty if `path` is the text itself.

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
        """Return the names of the columns, as the file writes them, and those of its core."""
        return (*self.format.columns, *self.format.constants, *(self.cores[0].columns if self.cores else ()))

    @contextmanager
    def opened(self) -> Iterator[tuple[IO[bytes], int]]:
        """Open the text, decompressed. Yield it with its size in bytes, or 0 if unknown. Raise `OccurrenceError`.

        A reading error in the block also becomes an `OccurrenceError`, so nothing else in it may raise an `OSError`.
        """
        try:
            if self.member:
                with packed(self.path) as (sizes, open_), self._member(open_) as file:
                    yield file, sizes[self.member]
            elif _starts_with(self.path, b"\x1f\x8b"):
                with gzip.open(self.path) as unpacked:
                    yield cast("IO[bytes]", unpacked), 0
            else:
                with self.path.open("rb") as file:
                    yield file, self.path.stat().st_size
        except BROKEN as error:
            raise OccurrenceError(f"{self} cannot be read ({error}); download it again") from error

    def _member(self, open_: Open) -> IO[bytes]:
        try:
            return open_(self.member)
        except KeyError as error:
            raise OccurrenceError(f"{self} cannot be read (it is not in the archive); download it again") from error
        except RuntimeError as error:  # encrypted, or compressed by a method that Python lacks
            raise OccurrenceError(f"{self} cannot be read ({error}); unpack it, and give the file") from error

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

    Raise `OccurrenceError` if a table has no column for names or for places, or is faulty. The message says which.
    """
    try:
        found = _tables_in(path)
    except (*BROKEN, ArchiveError) as error:
        raise OccurrenceError(f"{path}: {error}") from error
    for table in found:
        if missing := missing_columns(table.columns):
            has = join_some(table.columns, 12)
            raise OccurrenceError(f"{table} has no column for {missing}; it has {has} (docs/how-to/occurrences.md)")
    return found


def _tables_in(path: Path) -> list[Table]:
    if path.is_dir():
        if (path / META).is_file():
            with (path / META).open("rb") as file:
                described = darwin_core.read_meta(file.read(darwin_core.MOST_META + 1))
            return _of_archive(described, lambda location, each: TextTable(_inside(path, location), each))
        files = sorted(file for file in path.rglob("*") if file.is_file() and _starts_with(file, b"PAR1"))
        if not files:
            raise OccurrenceError(f"{path} has neither Parquet files nor a {META}; give other files one by one")
        return [_parquet(file) for file in files]
    if _starts_with(path, b"PAR1"):
        return [_parquet(path)]
    if not (_starts_with(path, b"PK\x03\x04") or tarfile.is_tarfile(path)):
        return [TextTable(path, _format_of(TextTable(path, TextFormat())))]
    with packed(path) as (sizes, open_):
        members = [each for each in sizes if not _OF_A_MAC.search(each)]
        metas = [PurePosixPath(each) for each in members if PurePosixPath(each).name == META]
        if len(metas) == 1:  # at the top, or in a folder if somebody packed an unpacked archive again
            (meta,) = metas
            with open_(str(meta)) as member:
                described = darwin_core.read_meta(member.read(darwin_core.MOST_META + 1))
            return _of_archive(described, lambda location, each: TextTable(path, each, str(meta.parent / location)))
    if _SPREADSHEET in members:
        raise OccurrenceError(f"{path} is a spreadsheet; save its sheet as CSV in UTF-8")
    texts = [each for each in members if each.lower().endswith((".csv", ".tsv", ".txt"))]
    if len(members) != 1 and len(texts) != 1:
        advice = "unpack it, and give the file with the occurrences, or the folder with the Parquet files"
        found = f"{path} has {len(members)} files but not one {META}"
        raise OccurrenceError(f"{found}, so that none is known to be the occurrences; {advice}")
    name = (texts or members)[0]
    return [TextTable(path, _format_of(TextTable(path, TextFormat(), name)), name)]


def _inside(folder: Path, location: str) -> Path:
    """Return the path of a file in an unpacked archive. Raise `OccurrenceError` if it is not a file in `folder`."""
    path = folder / location
    if not path.resolve().is_relative_to(folder.resolve()):
        raise OccurrenceError(f"{folder / META} names {location}, which is not in its folder; expected a file in it")
    if path.exists() and not path.is_file():
        raise OccurrenceError(f"{path} is not a file; expected the text that {META} names")
    return path


def _of_archive(archive: Archive, table: Callable[[str, TextFormat], TextTable]) -> list[Table]:
    core, records = archive.core, archive.records
    cores = tuple(table(each, core) for each in core.files) if core else ()
    return [
        replace(_as_wide_as_its_rows(table(each, records)), cores=cores, is_checklist=archive.is_checklist)
        for each in records.files
    ]


def _as_wide_as_its_rows(table: TextTable) -> TextTable:
    """Return the table with the text's last columns added, without names, if meta.xml leaves these columns out."""
    format_ = table.format
    with table.opened() as (file, _):
        for _ in range(format_.header_lines - 1):
            file.readline(_LONGEST_HEADER)
        line = file.readline(_LONGEST_HEADER).decode(format_.encoding, "replace").replace("\r", "")
    try:
        quoting: Any = {"quotechar": format_.quote} if format_.quote else {"quoting": csv.QUOTE_NONE}
        row = next(csv.reader([line], delimiter=format_.delimiter, **quoting), [])
    except csv.Error:  # such as a value of more than 128 KB
        return table
    more = ("",) * (len(row) - len(format_.columns))
    return replace(table, format=replace(format_, columns=(*format_.columns, *more)))


def _format_of(table: TextTable) -> TextFormat:
    """Find the format of a text by its first line. Raise `OccurrenceError` if the line does not have column names."""
    with table.opened() as (file, _):
        first = file.readline(_LONGEST_HEADER)
    for beginning, advice in _ADVICE:
        if re.match(beginning, first, re.DOTALL):
            raise OccurrenceError(f"{table} {advice}")
    try:
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise OccurrenceError(f"{table} is neither Parquet nor a zip nor text in UTF-8; save it as UTF-8") from error
    delimiter = max("\t,;", key=line.count)
    quote = "" if delimiter == "\t" and not line.startswith('"') else '"'
    names = next(csv.reader(io.StringIO(line), delimiter=delimiter), []) if quote else line.split(delimiter)
    if len(names) < 2 or "\0" in line:
        raise OccurrenceError(f"{table}: expected a line with the names of columns, got '{line[:60]}'")
    return TextFormat(unique(name.strip() for name in names), delimiter=delimiter, quote=quote, header_lines=1)


def _parquet(path: Path) -> ParquetTable:
    import duckdb  # only operators have it installed

    try:
        rows: Sequence[tuple[str, ...]] = duckdb.execute(
            "describe select * from read_parquet($1)", [pattern_of(path)]
        ).fetchall()
    except duckdb.Error as error:
        raise OccurrenceError(f"{path} is not a readable Parquet file: {str(error).splitlines()[0]}") from error
    return ParquetTable(path, {name: type_ for name, type_, *_ in rows})


def pattern_of(path: Path) -> str:
    """Return a path with `*`, `[` and the like escaped: DuckDB would take it for a pattern that several files match.

    >>> pattern_of(Path("occurrences[1].parquet"))
    'occurrences[[]1].parquet'
    """
    return glob.escape(str(path))


def _starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic

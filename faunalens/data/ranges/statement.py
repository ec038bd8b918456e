"""Statements about where a taxon lives: the rows of faunalens/data/ranges/*.csv."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Final

from faunalens.data.dataset_files import DatasetError, read_text
from faunalens.data.ranges.language import Range, RangeSyntaxError, parse

HERE: Final = Path(__file__).parent

COLUMNS: Final = ("taxon", "areas", "status", "certainty", "extent", "season", "source", "note")
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "status": ("native", "introduced", "vagrant", "absent"),
    "certainty": ("sure", "doubt"),
    "extent": ("throughout", "within"),
    "season": ("", "breeding", "winter", "passage"),
}
"""The allowed values of columns. An empty cell means the first value."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One source's statement that a taxon lives in a range.

    `status`: `native`, `introduced`, `vagrant` (strays, which do not count), or `absent` (a neighbouring range does not
    spread into this one). `certainty`: `sure` or `doubt`. `extent`: `throughout` the range, or only somewhere `within`
    it, where a range map says. `season`: empty for the whole year or if unknown; all seasons together are the taxon's
    range. `place`: the file, relative to faunalens/data/ranges/, and the line, for messages.
    """

    taxon: str
    range: Range
    status: str
    certainty: str
    extent: str
    season: str
    source: str
    note: str
    place: str


def read_statements(path: Path) -> list[Statement]:
    """Read a file's statements. Raise `DatasetError` for an unreadable file or the first faulty row, with its line."""
    name = path.relative_to(HERE).as_posix() if path.is_relative_to(HERE) else path.name
    rows = csv.DictReader(StringIO(read_text(path), newline=""), strict=True)
    try:
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise DatasetError(f"{name}, line 1: expected the columns {','.join(COLUMNS)}")
        return [_statement(row, f"{name}, line {rows.line_num}") for row in rows]
    except csv.Error as error:
        raise DatasetError(f"{name}, line {rows.reader.line_num}: {error}") from error


def _statement(row: Mapping[str, str | None], place: str) -> Statement:
    if None in row or None in row.values():
        raise DatasetError(f"{place}: expected {len(COLUMNS)} columns; quote a cell that contains a comma")
    values = {name: str(value).strip() for name, value in row.items()}
    for column, choices in CHOICES.items():
        values[column] = values[column] or choices[0]
        if values[column] not in choices:
            named = ", ".join(filter(None, choices))
            raise DatasetError(f"{place}: {column} is '{values[column]}'; expected one of {named}")
    for column in ("taxon", "source"):
        if not values[column]:
            raise DatasetError(f"{place}: {column} is empty")
    try:
        areas = parse(values.pop("areas"))
    except RangeSyntaxError as error:
        raise DatasetError(f"{place}, column {error.column} of areas: {error}") from error
    return Statement(range=areas, place=place, **values)


def by_taxon(statements: Iterable[Statement]) -> dict[str, list[Statement]]:
    """Group statements by taxon: the key is the taxon's id. Statements stay in the given order."""
    grouped: dict[str, list[Statement]] = {}
    for statement in statements:
        grouped.setdefault(statement.taxon, []).append(statement)
    return grouped

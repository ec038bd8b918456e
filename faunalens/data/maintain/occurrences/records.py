"""Read tables of occurrences with SQL that yields the same columns, whatever a file calls them and writes in them.

Files have the terms of Darwin Core, in any case, the columns of eBird or iNaturalist, or our own.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from faunalens.data.dataset_files import read_rows

_GRIDS: Final = ("eea", "eearg", "eurostat", "mgrs", "mgrsg", "eqdgc", "eqdgg", "eqdg", "qdgc", "dms", "dmsg", "isea3h")
_CODES: Final = (
    *(f"{grid}{what}" for grid in _GRIDS for what in ("cellcode", "gridcellcode", "gridcode", "code")),
    *("cellcode", "gridcellcode", "gridcode", "gridcell"),
)
"""Columns with the code of a cell: an SQL download names them as its query does, such as `eeaCellCode`."""

NAMES: Final = {row["ours"]: tuple(row["theirs"].split()) for row in read_rows(Path(__file__).with_suffix(".csv"))} | {
    "code": (*_CODES, "cell")
}
"""Names of each column that is read, in lower case, letters and digits only: GBIF's `acceptedTaxonKey` and `speciesKey`
are here `acceptedtaxonkey` and `specieskey`. The first that a file has counts."""

LINEAGE: Final = ("species", "genus", "family", "order", "class", "phylum")
"""Columns with the accepted names above and at a record's own name."""

KEYS: Final = ("accepted_key", "species_key", "genus_key", "family_key", "order_key", "class_key")
"""Columns with the keys at GBIF of these names."""

NAME_TEXTS: Final = ("scientific_name", "taxon_key", *LINEAGE, *KEYS)
"""Columns of the table of names that describe a name."""

_YEAR: Final = r"^(\d{1,4})(?:\.0+)?$"
_YEAR_OF_DATE: Final = r"(?:^|\D)([12]\d{3})(?:\D|\d{4}$|$)"
"""The year in `2026` and `2026.0`, and in dates in any order: `2026-07-14T…`, `20260714`, `14.7.2026`, `July 2026`."""

_MONTH: Final = r"^(\d\d?)(?:\.0+)?$"
_FIRST_MONTH: Final = r"^\d{4}-(\d\d?)(?:[-T /]|$)"
_LAST_MONTH: Final = r"/(?:\d{4}-)?(\d\d)"
"""The month in `7`, `2026-07`, `2026-07-14T…`, and after the slash of `2026-07-14/2026-08-02`. Not in `5/7/2026`: some
begin with the day, some with the month."""

_NO_KEYS: Final = ("0", "NA", "N/A", "NULL", "null", "None", "nan", r"\N")
"""What programs write for a key that is missing. As a key, it would make one name of all that lack one."""

_BETWEEN_ISSUES: Final = "|, []{}:'\""
"""Characters, besides a semicolon, that may separate issues, also where Parquet's lists are read as text."""

_TEXTS: Final = ("basis", "presence", "licence", "establishment", "captive", "quality", "approved")
"""Columns that only filters read, compared in lower case."""


def column_names(columns: Iterable[str]) -> dict[str, str]:
    """Return the names of a file's columns, keyed by our names for them. Other columns are left out.

    >>> column_names(["SCIENTIFIC NAME", "LATITUDE", "decimal_longitude", "colour"])
    {'lat': 'LATITUDE', 'lon': 'decimal_longitude', 'scientific_name': 'SCIENTIFIC NAME'}
    """
    there = {"".join(filter(str.isalnum, name.lower())): name for name in reversed(list(columns))}
    known = {ours: [there[name] for name in names if name in there] for ours, names in NAMES.items()}
    return {ours: found[0] for ours, found in known.items() if found}


def counts_by_country(columns: Iterable[str]) -> bool:
    """Return whether a table only says how many records a country has, as some cubes and checklists do."""
    found = column_names(columns).keys()
    is_in_country, is_placed = not found.isdisjoint({"country", "location"}), found & {"lat", "lon", "cell", "code"}
    return "records" in found and is_in_country and not is_placed


def missing_columns(columns: Iterable[str]) -> str:
    """Return in words which necessary columns a file lacks, such as `the place`; empty if it has all of them."""
    every = list(columns)
    found = column_names(every).keys()
    is_placed = {"lat", "lon"} <= found or not found.isdisjoint({"cell", "code"}) or counts_by_country(every)
    is_named = not found.isdisjoint({"scientific_name", "species"})
    return " and ".join(text for text, is_said in (("the name", is_named), ("the place", is_placed)) if not is_said)


def normal_query(relation: str, types: Mapping[str, str], constants: Mapping[str, str]) -> str:
    """Return a query for the records of a relation, in our columns.

    `types`: DuckDB's type of each column of the relation. `constants`: values of further columns. The query's columns
    are `name` (a number that stands for the name, as in `name_query`), `lat`, `lon`, `cell`, `country`, `records`,
    `month`, and what the filters read. Columns that the file lacks are null.
    """
    columns = _Columns(types, constants)
    lat, lon = columns.number("lat"), columns.number("lon")
    is_finite = {name: f"coalesce(isfinite({sql}), false)" for name, sql in (("lat", lat), ("lon", lon))}
    bad = " or ".join(f"({columns.is_filled(name)} and not {sql})" for name, sql in is_finite.items())
    selected = {
        "name": columns.name,
        "lat": lat,
        "lon": lon,
        "cell": columns.cell,
        "country": columns.country if counts_by_country(columns.found.values()) else "null::varchar",
        "records": columns.number("records") if "records" in columns.found else "1.0::double",
        "is_bad_number": bad,
        "uncertainty": columns.number("uncertainty"),
        "centroid": columns.number("centroid"),
        "year": columns.year,
        "month": columns.month,
        "issues": columns.issues,
        "is_named": f"{columns.is_filled('scientific_name')} or {columns.is_filled('species')}",
        **{name: f"lower({columns.text(name)})" for name in _TEXTS},
    }
    return f"select {', '.join(f'{sql} as {name}' for name, sql in selected.items())} from {relation}"


def name_query(
    relation: str, types: Mapping[str, str], constants: Mapping[str, str], wanted: Callable[[str], str]
) -> str:
    """Return a query for the distinct names of a relation, with the columns `name` (a number) and `NAME_TEXTS`.

    `wanted`: gets SQL for the number of a row's name, and returns the SQL condition that the row must meet.
    """
    columns = _Columns(types, constants)
    selected = ", ".join(f'{columns.label(each)} as "{each}"' for each in NAME_TEXTS)
    return f"select {columns.name} as name, {selected} from {relation} where {wanted(columns.name)} group by all"


class _Columns:
    """Returns SQL for the columns of a relation. `ours`: our name of a column."""

    def __init__(self, types: Mapping[str, str], constants: Mapping[str, str]) -> None:
        self._types, self._constants = types, constants
        self.found = column_names([*types, *constants])

    def text(self, ours: str, of: str = "") -> str:
        """Return SQL for a column's text without spaces around it; null if the text is empty or the column missing.

        `of`: an aggregate function to apply to the column first.
        """
        name = self.found.get(ours)
        if name is None:
            return "null::varchar"
        if name in self._constants:
            return f"nullif({literal(self._constants[name].strip())}, '')"
        column = f"{of}({quoted(name)})"
        return f"nullif(trim({column}), '')" if self._types[name] == "VARCHAR" else f"cast({column} as varchar)"

    def label(self, ours: str) -> str:
        """Return SQL for a column's text in any one of the grouped rows, without the `.0` of keys stored as numbers."""
        text = self.text(ours, "any_value")
        return rf"regexp_replace({text}, '\.0+$', '')" if ours in ("taxon_key", *KEYS) else text

    def is_filled(self, ours: str) -> str:
        """Return SQL for whether a column has a value, which costs less than `text`."""
        name = self.found.get(ours, "")
        if name not in self._types:
            return f"({self.text(ours)} is not null)"
        is_text = f" and {quoted(name)} <> ''" if self._types[name] == "VARCHAR" else ""
        return f"({quoted(name)} is not null{is_text})"

    def number(self, ours: str) -> str:
        """Return SQL for a column's value as a number, null if it is not a number."""
        name = self.found.get(ours, "")
        return quoted(name) if self._types.get(name) == "DOUBLE" else f"try_cast({self.text(ours)} as double)"

    @property
    def name(self) -> str:
        """Return SQL for the number that stands for a record's name: its key if it has one, else its names.

        The key is hashed unchanged: spaces around it, which no file has, would only give its name a second number. A
        file with fewer columns about names, such as a cube without families, gives the same name another number.
        """
        names = f"hash({', '.join(self.text(each) for each in ('scientific_name', *LINEAGE))})"
        key = self.found.get("taxon_key", "")
        if key not in self._types:
            return names
        said = repr([each for each in NAME_TEXTS if each in self.found]).encode()
        own = int.from_bytes(hashlib.sha256(said).digest()[:7])
        if self._types[key] in ("INTEGER", "BIGINT", "DOUBLE"):  # quicker than to compare text
            is_key = f"{quoted(key)} <> 0"
        else:
            text = f"cast({quoted(key)} as varchar)"
            is_digits = f"{text} >= '1' and {text} < ':'"  # true of nearly all keys, and quicker than the list
            is_key = f"({is_digits} or {text} not in ({', '.join(map(literal, _NO_KEYS))}))"
        is_key = f"{self.is_filled('taxon_key')} and {is_key}"
        return f"if({is_key}, xor(hash({quoted(key)}), {own}::ubigint), {names})"

    @property
    def country(self) -> str:
        """Return SQL for the country's ISO 3166-1 alpha-2 code, or that in a location's id, such as `ISO3166:DE`."""
        texts = (self.text(each) for each in ("country", "location"))
        codes = (rf"nullif(upper(regexp_extract({text}, '^(?:ISO[\w-]*:)?([A-Za-z]{{2}})$', 1)), '')" for text in texts)
        return f"coalesce({', '.join(codes)})"

    @property
    def cell(self) -> str:
        """Return SQL for the H3 cell of resolution 3, as a number, that is or contains the cell in a row."""
        if "cell" not in self.found:
            return "null::bigint"
        text = self.text("cell")
        number = f"try_cast(if(length({text}) = 15, '0x' || {text}, {text}) as bigint)"
        # 0x83 stands for a cell at resolution 3. A finer one is in it without its last twelve digits, of 3 bits each.
        parent = f"(({number} & {~(15 << 52)}) | {(3 << 52) | (1 << 36) - 1})"
        return f"if({number} >> 52 between 131 and 143, {parent}, null)"

    @property
    def year(self) -> str:
        """Return SQL for the year: from the column of years, or from the date where that is empty."""
        return self._whole("year") or self._first_number(_YEAR, _YEAR_OF_DATE, "year")

    @property
    def month(self) -> str:
        """Return SQL for the month, from a month or a date in ISO 8601; null if there is none.

        A period has a month only if its first and its last day are in that month.
        """
        number = self._whole("month")
        if not number:
            text = f"coalesce({self.text('month')}, {self.text('date')})"
            last = rf"try_cast(regexp_extract({text}, '{_LAST_MONTH}', 1) as integer)"
            first = self._first_number(_MONTH, _FIRST_MONTH, "month")
            number = f"if({last} <> {first}, null, {first})"
        return f"if({number} between 1 and 12, {number}, null)::utinyint"

    @property
    def issues(self) -> str:
        """Return SQL for GBIF's issues as a list, also if the column is text with separators."""
        name = self.found.get("issue", "")
        if self._types.get(name) == "VARCHAR[]":
            return quoted(name)
        separators = f"{literal(_BETWEEN_ISSUES)}, {literal(';' * len(_BETWEEN_ISSUES))}"
        return f"string_split(translate(upper({self.text('issue')}), {separators}), ';')"

    def _whole(self, ours: str) -> str:
        """Return SQL for a column if its type is a whole number, else an empty text."""
        name = self.found.get(ours, "")
        return quoted(name) if self._types.get(name) in ("INTEGER", "BIGINT", "SMALLINT", "TINYINT") else ""

    def _first_number(self, number: str, date: str, ours: str) -> str:
        """Return SQL for a number in the column `ours`, or else in the date. `number`, `date`: patterns to find it."""
        columns = [ours] if self.found.get(ours) == self.found.get("date") else [ours, "date"]
        texts = [(self.text(each), pattern) for each in columns for pattern in (number, date)]
        found = (f"try_cast(regexp_extract({text}, '{pattern}', 1) as integer)" for text, pattern in texts)
        return f"coalesce({', '.join(found)})"


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'

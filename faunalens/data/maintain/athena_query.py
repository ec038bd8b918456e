"""Count GBIF's records as `occurrences/` does, in one SQL statement for Athena over GBIF's snapshot in S3.

DuckDB runs the same text, so tests can compare it with the loader. `python -m faunalens.data.maintain load` reads the
result: a row for each taxon, hexagon (and month), with the number of records and the place of one of them. Athena does
not have H3, but hexagons are arithmetic (`occurrences/cells.py`), and the loader computes the H3 cell from the place of
any record in a hexagon. So the counts are exact.

`estimate` says what the statement scans and costs, by the assumptions in athena_assumptions.csv.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from faunalens.data.dataset_files import read_rows
from faunalens.data.maintain.occurrences.cells import FACE, face_rows, hexagons_of
from faunalens.data.maintain.occurrences.filters import Filters, reason_query
from faunalens.data.maintain.occurrences.records import quoted

ASSUMPTIONS: Final = Path(__file__).with_name("athena_assumptions.csv")

TABLE: Final = "occurrence"
PARTITION: Final = "snapshot"
"""The table in Glue's catalog (infra/athena.yaml), and its column with the date of a snapshot."""

KEY: Final = "taxonkey"
NAMES: Final = ("specieskey", "scientificname", "species", "genus", "family", "order", "class", "phylum")
"""Columns about a taxon. A second scan reads them, because the first would carry these texts along with each group."""

PLACES: Final = {
    "lat": "decimallatitude",
    "lon": "decimallongitude",
    "uncertainty": "coordinateuncertaintyinmeters",
    "year": "year",
    "issues": "issue",
    "presence": "lower(occurrencestatus)",
    "basis": "lower(basisofrecord)",
    "establishment": "lower(establishmentmeans)",
}
"""Columns of `normal_query` in faunalens/data/maintain/occurrences/records.py that the snapshot has, as SQL."""

LICENCE: Final = {"licence": "lower(license)"}
"""The column that only `--commercial` reads."""

MONTH: Final = {"month": "if(month between 1 and 12, month, null)"}

_ANIMALS: Final = "kingdom = 'Animalia'"

_QUERY: Final = Path(__file__).with_suffix(".sql")
_UNLOAD: Final = "unload ({query}) to '{folder}' with (format = 'PARQUET', compression = 'SNAPPY')"


def query(snapshot: str, filters: Filters, months: bool = False) -> str:
    """Return the statement that counts the records of animals in a snapshot.

    `snapshot`: its date, such as 2026-11-01. `months`: whether to count each month separately.
    """
    columns = PLACES | LICENCE | (MONTH if months else {})
    if not filters.commercial:
        columns["licence"] = "cast(null as varchar)"
    return _QUERY.read_text(encoding="utf-8").format(
        key=KEY,
        table=TABLE,
        partition=PARTITION,
        snapshot=snapshot,
        animals=_ANIMALS,
        face_columns=", ".join(FACE),
        faces=",\n        ".join(
            f"({number:.0f}, {', '.join(f'{each:.16e}' for each in axes)})" for number, *axes in face_rows()
        ),
        columns=", ".join(f"{sql} as {name}" for name, sql in columns.items()),
        month=", month" if months else "",
        reason=reason_query(filters),
        placed=hexagons_of("kept"),
        names=", ".join(f"max({quoted(each)}) as {quoted(each)}" for each in NAMES),
        name_columns=", ".join(f"named.{quoted(each)}" for each in NAMES),
    )


def unload(statement: str, folder: str) -> str:
    """Return a statement that writes the result of `statement` as Parquet to a folder in S3, which must be empty."""
    return _UNLOAD.format(query=statement, folder=folder)


def scanned_columns(filters: Filters, months: bool = False) -> list[str]:
    """Return the columns that the query reads from the snapshot. A column that it scans twice is listed twice."""
    read = PLACES | (LICENCE if filters.commercial else {}) | (MONTH if months else {})
    places = [re.sub(r"^\w+\(|[ )].*|\)$", "", sql) for sql in read.values()]
    return [KEY, "kingdom", *places, KEY, "kingdom", *NAMES]


def assumptions() -> dict[str, float]:
    """Return every assumption by its name, such as the bytes that a value of a column takes in Parquet."""
    return {row["name"]: float(row["value"]) for row in read_rows(ASSUMPTIONS)}


def cost(scanned: float) -> float:
    """Return the price of scanning `scanned` bytes on Athena, in US dollars."""
    return scanned / 1e12 * assumptions()["price"]


def estimate(filters: Filters, months: bool = False) -> Iterator[str]:
    """Yield lines of text: the estimated bytes that the query reads of each column, their sum, and the price."""
    known, columns, total = assumptions(), scanned_columns(filters, months), 0.0
    yield f"{'column':<30} {'scans':>5} {'bytes a row':>12} {'GB':>8}"
    for name in dict.fromkeys(columns):
        scans, each = columns.count(name), known[name]
        scanned = scans * each * known["records"]
        total += scanned
        yield f"{name:<30} {scans:>5} {each:>12g} {scanned / 1e9:>8.1f}"
    price = f"which cost {cost(total):.2f} US dollars at {known['price']:g} a TB"
    yield f"{known['records']:,.0f} records: about {total / 1e9:,.0f} GB, {price}"
    (source,) = (f"{row['source']}, {row['date']}" for row in read_rows(ASSUMPTIONS) if row["name"] == "price")
    yield f"price: {source}; bytes are assumed, rather too high; --run prints those scanned"

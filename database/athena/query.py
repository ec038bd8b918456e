"""The counts of database/occurrences/ as one statement of SQL, for Athena over GBIF's snapshot in S3. No I/O.

DuckDB runs the same text, which is how tests compare it with the loader. The table that results goes to
`python -m database load`: a row for each taxon, hexagon (and month), with the number of records and the place of one of
them. H3 does not exist on Athena, but a hexagon is arithmetic (database/occurrences/cells.py), and the place of any
record in it tells the loader its cell. So the counts are exact.
"""

import re
from typing import Final

from database.occurrences.cells import FACE, face_rows, hexagons_of
from database.occurrences.filters import Filters, reason_query
from database.occurrences.records import quoted

TABLE: Final = "occurrence"
PARTITION: Final = "snapshot"
"""The table in Glue's catalog (infra/athena.yaml), and its column with the date of a snapshot."""

KEY: Final = "taxonkey"
NAMES: Final = ("specieskey", "scientificname", "species", "genus", "family", "order", "class", "phylum")
"""What the snapshot says of each taxon. A second scan reads it: in the first, texts would go along with each group."""

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
"""Columns of `normal_query` in database/occurrences/records.py that the snapshot has, as SQL."""

LICENCE: Final = {"licence": "lower(license)"}
"""The column that only `--commercial` reads."""

MONTH: Final = {"month": "if(month between 1 and 12, month, null)"}

_MISSING: Final = {
    "cell": "cast(null as bigint)",
    "country": "cast(null as varchar)",
    "records": "1e0",
    "is_bad_number": "false",
    "is_named": "true",
    "centroid": "cast(null as double)",
    "captive": "cast(null as varchar)",
    "quality": "cast(null as varchar)",
    "approved": "cast(null as varchar)",
}
"""Columns that the snapshot lacks. `is_named`: a record with a key has a name. `country`: without coordinates, a record
does not count here, as for the loader."""

_ANIMALS: Final = "kingdom = 'Animalia'"

_QUERY: Final = """\
with face ({face_columns}) as (
    values
        {faces}
),
record as (
    select {key}, {columns}
    from {table}
    where {partition} = '{snapshot}' and {animals} and {key} is not null
),
kept as (
    select {key}, lat, lon{month}
    from record
    where {reason} is null
),
placed as ({placed}
),
counted as (
    select {key}, hexagon{month}, min_by(lat, lon) as lat, min(lon) as lon, count(*) as occurrences
    from placed
    group by {key}, hexagon{month}
),
named as (
    select {key}, {names}
    from {table}
    where {partition} = '{snapshot}' and {animals}
    group by {key}
)
select counted.{key}, {name_columns}, counted.lat as decimallatitude, counted.lon as decimallongitude{month},
    counted.occurrences
from counted
join named on named.{key} = counted.{key}
"""

_UNLOAD: Final = "unload ({query}) to '{folder}' with (format = 'PARQUET', compression = 'SNAPPY')"


def query(snapshot: str, filters: Filters, months: bool = False) -> str:
    """Return the statement that counts the records of animals in a snapshot.

    `snapshot`: its date, such as 2026-11-01. `months`: count each month by itself.
    """
    columns = PLACES | LICENCE | _MISSING | (MONTH if months else {})
    if not filters.commercial:
        columns["licence"] = "cast(null as varchar)"
    return _QUERY.format(
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
    """Return the statement that writes the result of another one as Parquet to a folder of S3, which must be empty."""
    return _UNLOAD.format(query=statement, folder=folder)


def scanned_columns(filters: Filters, months: bool = False) -> list[str]:
    """Return the columns of the snapshot that the statement reads, once for each time that it reads them."""
    read = PLACES | (LICENCE if filters.commercial else {}) | (MONTH if months else {})
    places = [re.sub(r"^\w+\(|[ )].*|\)$", "", sql) for sql in read.values()]
    return [KEY, "kingdom", *places, KEY, "kingdom", *NAMES]

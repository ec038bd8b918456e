"""Count GBIF's records as `occurrences/` does, in one SQL statement for Athena over GBIF's snapshot in S3.

DuckDB runs the same text, so tests can compare it with the loader. `python -m faunalens.data.maintain load` reads the
result: a row for each taxon, hexagon (and month), with the number of records and the place of one of them. Athena does
not have H3, but hexagons are arithmetic (`occurrences/cells.py`), and the loader computes the H3 cell from the place of
any record in a hexagon. So the counts are exact.

`estimate` says what the statement scans and costs, by the assumptions in athena_assumptions.csv. `run` runs it in the
workgroup of infra/athena.yaml.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from faunalens.data.dataset_files import DatasetError, read_rows
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


CATALOG: Final = "faunalens_gbif"
WORKGROUP: Final = "faunalens-occurrences"
"""Names of the database in Glue's catalog and of Athena's workgroup, as in infra/athena.yaml."""

_PAUSE: Final = 2.0  # seconds between two looks at a query
_REPORT: Final = 10.0  # seconds between two lines about its progress


class Counted(NamedTuple):
    """The result of a query: Parquet files in `folder`, an address in S3. `scanned`: bytes that the query read.

    `citation`: the file in S3 that says how to cite the snapshot.
    """

    folder: str
    scanned: int
    citation: str


def run(
    statement: str,
    snapshot: str,
    workgroup: str = WORKGROUP,
    report: Callable[[str], None] = print,
    wait: Callable[[float], None] = sleep,
) -> Counted:
    """Run a statement over a snapshot of GBIF on Athena, and wait for its end. Ctrl-C stops it on Athena too.

    Region and credentials come from the environment. `snapshot`: its date. Raise `DatasetError` if AWS refuses, the
    snapshot does not exist, or the query fails; the message says why.
    """
    from boto3 import Session  # only operators have it, and few need it
    from botocore.exceptions import BotoCoreError, ClientError

    client = Session().client
    try:
        athena = client("athena")
        configuration = athena.get_work_group(WorkGroup=workgroup)["WorkGroup"]["Configuration"]
        bucket = urlsplit(configuration["ResultConfiguration"]["OutputLocation"]).netloc
        source = _location(client("glue"), client("s3"), snapshot)
        folder = f"s3://{bucket}/occurrences/{snapshot}/{uuid4()}/"
        identity = athena.start_query_execution(
            QueryString=unload(statement, folder), WorkGroup=workgroup, QueryExecutionContext={"Database": CATALOG}
        )["QueryExecutionId"]
        report(f"query {identity} runs in the workgroup {workgroup}")
        try:
            scanned = wait_for(athena, identity, report, wait)
        except KeyboardInterrupt:
            athena.stop_query_execution(QueryExecutionId=identity)
            raise
    except (BotoCoreError, ClientError) as error:
        raise DatasetError(f"AWS: {error}; docs/how-to/occurrences.md says what Athena needs") from error
    return Counted(folder, scanned, f"{source.removesuffix('occurrence.parquet/')}citation.txt")


def next_steps(counted: Counted, months: bool = False) -> list[str]:
    """Return lines with a query's cost and the commands that load its result. `months`: whether it counts by month."""
    load = f"python -m faunalens.data.maintain load counts{' --months' if months else ''} --citation"
    return [
        f"{counted.scanned / 1e9:,.1f} GB were scanned, which cost {cost(counted.scanned):.2f} US dollars",
        f"next:  aws s3 cp --recursive {counted.folder} counts",
        f"       aws s3 cp {counted.citation} -",
        f"       {load} 'what the line above prints'",
    ]


def _location(glue: Any, s3: Any, snapshot: str) -> str:
    """Return a snapshot's address in S3. Raise `DatasetError` without files there: Athena would find no rows."""
    table = glue.get_table(DatabaseName=CATALOG, Name=TABLE)["Table"]
    location = str(table["Parameters"]["storage.location.template"]).replace(f"${{{PARTITION}}}", snapshot)
    bucket, path = urlsplit(location).netloc, urlsplit(location).path.lstrip("/")
    if s3.list_objects_v2(Bucket=bucket, Prefix=path, MaxKeys=1).get("Contents"):
        return location
    folder = path.partition(snapshot)[0]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
    prefixes = (each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ()))
    there = sorted(prefix.removeprefix(folder).strip("/") for prefix in prefixes)
    latest = f"the latest is --snapshot {there[-1]}" if there else "there is none"
    raise DatasetError(f"{location} is empty: no snapshot of {snapshot}; {latest}")


def wait_for(
    athena: Any,
    identity: str,
    report: Callable[[str], None],
    wait: Callable[[float], None],
    clock: Callable[[], float] = monotonic,
) -> int:
    """Wait for the end of a query, and report its progress. Return the number of bytes scanned.

    `athena`: a boto3 client. `identity`: the query's id. Raise `DatasetError` if the query fails.
    """
    started = shown = clock()
    while True:
        execution = athena.get_query_execution(QueryExecutionId=identity)["QueryExecution"]
        status, scanned = execution["Status"], int(execution.get("Statistics", {}).get("DataScannedInBytes", 0))
        state = status["State"]
        if state == "SUCCEEDED":
            return scanned
        if state in ("FAILED", "CANCELLED"):
            reason = status.get("StateChangeReason", "no reason given")
            ended = f"Athena ended query {identity} ({state.lower()}: {reason}) after {scanned / 1e9:,.1f} GB"
            raise DatasetError(f"{ended}; the parameter ScanLimit of infra/athena.yaml limits what it may scan")
        if (now := clock()) - shown >= _REPORT:
            shown = now
            report(f"  {now - started:5.0f} s  {state.lower()}, {scanned / 1e9:,.1f} GB scanned")
        wait(_PAUSE)

"""Run the statement of athena_query.py on Athena, in the workgroup of infra/athena.yaml."""

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from faunalens.data.dataset_files import DatasetError
from faunalens.data.maintain.athena_query import PARTITION, TABLE, cost, unload

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

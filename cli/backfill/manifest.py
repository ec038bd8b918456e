"""The manifest of a run: a line of JSON for each photo that is left, the photos of a station one after the other."""

import json
from collections.abc import Iterable, Iterator
from itertools import batched
from typing import IO

from cli.backfill.listing import StoredPhoto
from cli.backfill.s3_name import S3Name
from cli.results.file import BATCH, ResultsFile
from cli.results.row import FoundPhoto, Place

_LISTED = "create temp table listed (path text primary key, etag text not null) strict, without rowid"
_LEFT = """
select path, deployment, place, shift, etag from photo join listed using (path)
where state in ('new', 'touched', 'failed') order by deployment, path
"""


def keep(results: ResultsFile, photos: Iterable[tuple[FoundPhoto, StoredPhoto]]) -> None:
    """Keep the photos of a study, and for the manifest which bytes of theirs were meant."""
    with results.transaction() as connection:
        connection.execute("drop table if exists temp.listed")
        connection.execute(_LISTED)
    for some in batched(photos, BATCH, strict=False):
        results.find(found for found, _ in some)
        with results.transaction() as connection:
            connection.executemany("insert or replace into listed values (?, ?)", ((p.path, p.etag) for _, p in some))


def write(results: ResultsFile, study: S3Name, file: IO[bytes]) -> int:
    """Write the manifest of the photos that are left, sorted by station. Return their number. `keep` comes first.

    A batch of a Map Run has photos that follow each other. So most batches have one station, and look up one cell.
    """
    number = 0
    for line in _lines(results, study):
        file.write(line.encode())
        number += 1
    return number


def _lines(results: ResultsFile, study: S3Name) -> Iterator[str]:
    for row in results.rows(_LEFT):
        item = {"bucket": study.bucket, "key": study.key + row["path"]}
        if row["deployment"] is not None:
            item["station"] = row["deployment"]
        place = Place.parse(row["place"])
        if place.source == "given":
            item |= {"latitude": place.latitude, "longitude": place.longitude}
        if row["shift"]:
            item["shift"] = row["shift"]
        if row["etag"]:
            item["etag"] = row["etag"]
        yield json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"

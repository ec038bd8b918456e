"""Merge the result lines of a study's runs in S3 into a results file, from which every export and report is made.

Lines are listed and read a thousand at a time, so memory does not grow with their number. After each thousand, the
results file records how far the merge has come: a stopped merge continues there; the next one reads only newer lines.
"""

import json
import sqlite3
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from zlib import crc32

from chalicelib.api.http import json_of
from chalicelib.batch.line import INTERRUPTED, Line
from chalicelib.batch.run import MISSING
from faunalens.backfill.cloud import CONNECTIONS, S3Name
from faunalens.engines.place import NONE, Place
from faunalens.errors import CommandError
from faunalens.study.identify import DEGRADED
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile, State, Task

PAGE = 1000  # lines that are listed, read and kept at a time: as many as S3 lists in one call
OVERLAP = timedelta(minutes=5)
"""Lines this much older than a finished merge are read again: S3's clocks differ, and a run may write meanwhile."""
_AGAIN = frozenset({INTERRUPTED, MISSING})
"""Error codes of lines whose photo is worth another try: another photo may have ended the process, or a missing
permission may have been granted since."""
_KNOWN = "select id, path, place, size, modified from photo where path in (select value from json_each(?))"
_MARKER = {"merged_since": "", "merging_after": "", "merging_since": ""}
"""How far the merge is: lines older than `merged_since` are merged. Of a merge that was stopped, `merging_after` is the
key of the last line read, and `merging_since` the value that `merged_since` gets at the merge's end."""


def merge(s3: Any, study: S3Name, lines: S3Name, results: ResultsFile) -> Generator[int]:
    """Merge the result lines in the folder `lines`. After each page of them, yield the number of photos updated.

    `study`: the folder with the photos. Raises `CommandError` if an object is not a result line, and botocore's errors.
    """
    known = results.study()
    marker = {name: known.get(name, "") for name in _MARKER}
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=lines.bucket, Prefix=lines.key, StartAfter=marker["merging_after"], PaginationConfig={"PageSize": PAGE}
    )
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for page in pages:
            if not marker["merging_since"]:
                date = page["ResponseMetadata"]["HTTPHeaders"]["date"]  # the time on S3's clock
                marker["merging_since"] = (parsedate_to_datetime(date) - OVERLAP).isoformat()
            found = page.get("Contents", ())
            new = [each["Key"] for each in found if each["LastModified"].isoformat() > marker["merged_since"]]
            texts = pool.map(lambda key: s3.get_object(Bucket=lines.bucket, Key=key)["Body"].read(), new)
            kept = _keep(results, study, [_parsed(key, text) for key, text in zip(new, texts, strict=True)])
            if found:
                marker["merging_after"] = found[-1]["Key"]
            results.describe(**marker)
            yield kept
    results.describe(**_MARKER | {"merged_since": marker["merging_since"]})


def _parsed(key: str, text: bytes) -> Line:
    with suppress(ValueError, TypeError):
        return Line.parse(text)
    raise CommandError(f"{key} is not a result line of this release; delete it, and its photo is identified again")


def _keep(results: ResultsFile, study: S3Name, lines: Sequence[Line]) -> int:
    """Save the outcomes, except of photos whose size is known (not 0) and has changed. Return how many were saved."""
    start = str(study)
    by_path = {line.photo.removeprefix(start): line for line in lines if line.photo.startswith(start)}
    known = _known(results, by_path)
    results.find(_found(path, line) for path, line in by_path.items() if path not in known)
    rows = _known(results, by_path)
    pairs = [(rows[path], line) for path, line in by_path.items()]
    current = [(row, line) for row, line in pairs if line.size in (None, row["size"] or line.size)]
    with results.transaction():
        for row, line in current:
            results.save(_outcome(row, line))
    return len(current)


def _known(results: ResultsFile, paths: Iterable[str]) -> dict[str, sqlite3.Row]:
    """Return the rows of photos in the results file, by path, without the paths that it does not have."""
    rows = results.rows(_KNOWN, json.dumps(list(paths), ensure_ascii=False, allow_nan=False))
    return {row["path"]: row for row in rows}


def _found(path: str, line: Line) -> ListedPhoto:
    """Return the photo of a result line, for a results file that lacks it because another machine submitted the run."""
    given = line.latitude is not None and line.station is not None
    place = Place("given", line.latitude, line.longitude) if given else NONE
    return ListedPhoto(path, line.size or 0, 0, line.station, place, 0.0)


def _outcome(row: sqlite3.Row, line: Line) -> Outcome:
    task = Task(row["id"], row["path"], Place.parse(row["place"]), None)
    facts = FileFacts(line.width, line.height, _clock(line.time), line.latitude, line.longitude)
    state: State = "done" if line.status == "identified" else "failed" if line.error in _AGAIN else "unreadable"
    code, detail = line.error, line.detail
    if line.answer and line.answer["features"]["mode"] == "degraded":
        state, code, detail = "failed", "degraded", DEGRADED
    answer = json_of(line.answer) if line.answer else None
    checksum = crc32(line.etag.encode()) if line.etag else None
    return Outcome(task, state, row["size"], row["modified"], checksum, facts, answer, code, detail, line.identified)


def _clock(time: str | None) -> str | None:
    """Convert a time in ISO 8601 to the results file's form: to the second, with the offset if it has one."""
    with suppress(ValueError):
        return datetime.fromisoformat(time or "").replace(microsecond=0).isoformat(" ")
    return None

"""List the photos of a study in S3: from S3 itself, from a report of S3 Inventory, or from the user's own manifest."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple
from urllib.parse import unquote_plus

from chalicelib.photo.formats import MEDIA_TYPE_OF
from faunalens.backfill.cloud import S3Name, parse_object
from faunalens.engines.place import Place
from faunalens.errors import CommandError
from faunalens.study.photos import is_hidden
from faunalens.study.results import BATCH, QUERIES, ListedPhoto, ResultsFile


class StoredPhoto(NamedTuple):
    """A photo in S3. `size` (bytes), `modified` (ns since 1970): 0 if unknown. `station`, `place`: None if unknown."""

    path: str
    size: int = 0
    modified: int = 0
    etag: str = ""
    station: str | None = None
    place: Place | None = None


def listed(s3: Any, study: S3Name) -> Iterator[StoredPhoto]:
    """Yield the photos in the folder `study`. Each request to S3 lists a thousand of them."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=study.bucket, Prefix=study.key)
    for each in (each for page in pages for each in page.get("Contents", ())):
        if _is_photo(study, each["Key"]):
            modified = _nanoseconds(each["LastModified"])
            yield StoredPhoto(each["Key"][len(study.key) :], each["Size"], modified, each["ETag"].strip('"'))


def inventoried(s3: Any, study: S3Name, manifest: S3Name) -> Iterator[StoredPhoto]:
    """Yield the photos in the folder `study`, from a report of S3 Inventory in CSV. `manifest`: its manifest.json.

    Raises `CommandError` if the report is damaged, has another format, or lists another bucket.
    """
    try:
        about = json.load(s3.get_object(Bucket=manifest.bucket, Key=manifest.key)["Body"])
        if about["fileFormat"] != "CSV":
            raise CommandError(f"the inventory {manifest} is in {about['fileFormat']}; configure one in CSV")
        if about["sourceBucket"] != study.bucket:
            raise CommandError(f"the inventory {manifest} lists the bucket {about['sourceBucket']}, not {study.bucket}")
        columns = [name.strip() for name in about["fileSchema"].split(",")]
        bucket = about["destinationBucket"].rpartition(":")[2]
        for file in about["files"]:
            body = s3.get_object(Bucket=bucket, Key=file["key"])["Body"]
            with gzip.open(body, "rt", encoding="utf-8", newline="") as lines:
                for values in csv.reader(lines):
                    row = dict(zip(columns, values, strict=False))
                    key = unquote_plus(row["Key"])
                    is_current = row.get("IsLatest") != "false" and row.get("IsDeleteMarker") != "true"
                    if is_current and key.startswith(study.key) and _is_photo(study, key):
                        yield _stored(study, {**row, "Key": key}, "Size", "LastModifiedDate", "ETag")
    except (OSError, EOFError, zlib.error, csv.Error, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{manifest} cannot be read as an inventory ({error}); check the name") from error


def named(s3: Any, study: S3Name, manifest: str) -> Iterator[StoredPhoto]:
    """Yield the photos that a manifest names, in a local file or in S3.

    The manifest is JSON lines with `key` and, optionally, `size`, `etag`, `station`, `latitude` and `longitude`, or CSV
    with such columns. Raises `CommandError`, which names the line.
    """
    for number, row in enumerate(_rows(s3, manifest), 1):
        key = str(row.get("key") or "")
        if not key.startswith(study.key) or row.get("bucket") not in (None, "", study.bucket):
            raise CommandError(f"{manifest}, entry {number}: {row.get('bucket') or ''} {key} is not below {study}")
        try:
            yield _stored(study, {**row, "Key": key}, "size", "modified", "etag")
        except (ValueError, TypeError) as error:
            raise CommandError(f"{manifest}, entry {number}: {error}; correct it") from error


def _rows(s3: Any, manifest: str) -> Iterator[Mapping[str, Any]]:
    if manifest.startswith("s3://"):
        name = parse_object(manifest)
        body: Any = s3.get_object(Bucket=name.bucket, Key=name.key)["Body"]
    else:
        try:
            body = Path(manifest).open("rb")  # noqa: SIM115, closed with the text around it
        except OSError as error:
            raise CommandError(f"{manifest} cannot be read ({error.strerror})") from error
    try:
        with io.TextIOWrapper(body, encoding="utf-8-sig", newline="") as text:
            yield from csv.DictReader(text) if manifest.endswith(".csv") else _json_lines(text, manifest)
    except (UnicodeDecodeError, csv.Error) as error:
        raise CommandError(f"{manifest} cannot be read as a list of photos ({error}); save it as UTF-8") from error


def _json_lines(lines: Iterable[str], manifest: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise CommandError(f"{manifest}, line {number} is not a JSON object; expected one photo a line")
            yield row


def _stored(study: S3Name, row: Mapping[str, Any], size: str, modified: str, etag: str) -> StoredPhoto:
    """Return the photo in a row of a listing. `size`, `modified`, `etag`: the names of these columns in the row.

    Raises `ValueError` if a value of the row is not valid.
    """
    moment = datetime.fromisoformat(row[modified]) if row.get(modified) else None
    known = _nanoseconds(moment.replace(tzinfo=moment.tzinfo or UTC)) if moment else 0
    given = [float(row[name]) for name in ("latitude", "longitude") if row.get(name) not in (None, "")]
    if len(given) == 1:
        raise ValueError("only one of latitude and longitude is given")
    if given and not (abs(given[0]) <= 90 and abs(given[1]) <= 180):
        raise ValueError(f"{given[0]}, {given[1]} is not a position in decimal degrees")
    path, tag = row["Key"][len(study.key) :], str(row.get(etag) or "").strip('"')
    station = str(row["station"]) if row.get("station") else None
    place = Place("given", *given) if given else None
    return StoredPhoto(path, int(row.get(size) or 0), known, tag, station, place)


def _is_photo(study: S3Name, key: str) -> bool:
    """Return whether an object is a photo or video, by its key. Hidden files, such as in .Trashes/, do not count."""
    name = PurePosixPath(key[len(study.key) :])
    return not any(map(is_hidden, name.parts)) and name.suffix.lower() in MEDIA_TYPE_OF


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp()) * 10**9


def keep(results: ResultsFile, photos: Iterable[tuple[ListedPhoto, str]]) -> None:
    """Save the photos of a study in the results file, and their ETags in a temporary table, for `write`."""
    with results.transaction() as connection:
        connection.execute("drop table if exists temp.listed")
        connection.execute("create temp table listed (path text primary key, etag text not null) strict, without rowid")
    for some in batched(photos, BATCH, strict=False):
        results.find(found for found, _ in some)
        with results.transaction() as connection:
            rows = ((photo.path, etag) for photo, etag in some)
            connection.executemany("insert or replace into listed values (?, ?)", rows)


def write(results: ResultsFile, study: S3Name, file: IO[bytes]) -> int:
    """Write to `file` the manifest of the photos that are still to be identified, by station. Return their number.

    Call `keep` first: it saves the ETags that the manifest has.

    A batch of a Map Run has consecutive lines, so most batches have photos of one station, and look up one cell.
    """
    number = 0
    for number, row in enumerate(results.rows(QUERIES["manifest"]), 1):  # noqa: B007, the last one is returned
        place = Place.parse(row["place"])
        known = {"station": row["deployment"], "latitude": place.latitude, "longitude": place.longitude}
        known |= {"shift": row["shift"] or None, "etag": row["etag"] or None}
        item = {"bucket": study.bucket, "key": study.key + row["path"]}
        item |= {name: value for name, value in known.items() if value is not None}
        file.write(json.dumps(item, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode() + b"\n")
    return number

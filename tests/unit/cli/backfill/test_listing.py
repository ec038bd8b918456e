"""Which photos a study in S3 has: by its folder, an inventory or a manifest."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.backfill import listing
from cli.backfill.cloud import S3Name
from cli.backfill.listing import StoredPhoto
from cli.errors import CommandError
from cli.place import NONE, Place
from cli.results import ListedPhoto, Outcome, ResultsFile
from tests.unit.cli.backfill.conftest import BUCKET

STUDY = S3Name(BUCKET, "batches/creek/")


def put(s3: Any, key: str, body: bytes = b"photo") -> None:
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)


def inventory(s3: Any, rows: list[list[str]], **about: Any) -> S3Name:
    """Store an inventory report as S3 writes it. Keys are URL-encoded in it."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    put(s3, "lists/data/1.csv.gz", gzip.compress(text.getvalue().encode()))
    schema = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag"
    manifest = {
        "sourceBucket": BUCKET,
        "destinationBucket": f"arn:aws:s3:::{BUCKET}",
        "fileFormat": "CSV",
        "fileSchema": schema,
        "files": [{"key": "lists/data/1.csv.gz"}],
        **about,
    }
    put(s3, "lists/manifest.json", json.dumps(manifest, allow_nan=False).encode())
    return S3Name(BUCKET, "lists/manifest.json")


def test_a_folder_has_its_photos_and_no_other_file(s3: Any) -> None:
    # GIVEN photos in folders, what is no photo, and a photo elsewhere
    others = ("S/notes.txt", "S/.hidden.jpg", ".Trashes/501/a.jpg", "$RECYCLE.BIN/a.jpg", "S/")
    for key in ("N/a.jpg", "N/b.JPG", "S/a.heic", *others):
        put(s3, STUDY.key + key)
    put(s3, "batches/creek2/a.jpg")
    # WHEN the folder is listed
    found = list(listing.listed(s3, STUDY))
    # THEN the photos are named below it, with size, time and ETag
    assert [each.path for each in found] == ["N/a.jpg", "N/b.JPG", "S/a.heic"]
    assert {each.size for each in found} == {5}
    assert all(each.modified > 10**18 and len(each.etag) == 32 for each in found)


def test_an_inventory_has_the_present_photos_of_the_folder(s3: Any) -> None:
    # GIVEN a report with an older version, a deleted photo, one elsewhere, and a key with special characters
    moment = "2026-03-01T05:12:44.000Z"
    rows = [
        [BUCKET, "batches/creek/N%201/%C3%A9+a.jpg", "2", "true", "false", "11", moment, "abc"],
        [BUCKET, "batches/creek/N%201/%C3%A9+a.jpg", "1", "false", "false", "10", moment, "old"],
        [BUCKET, "batches/creek/b.jpg", "3", "true", "true", "", moment, ""],
        [BUCKET, "batches/other/c.jpg", "4", "true", "false", "12", moment, "def"],
    ]
    # THEN one photo is found
    (photo,) = listing.inventoried(s3, STUDY, inventory(s3, rows))
    assert photo == StoredPhoto("N 1/é a.jpg", 11, 1772341964 * 10**9, "abc")


def test_an_inventory_that_does_not_fit_is_refused(s3: Any) -> None:
    with pytest.raises(CommandError, match="configure one in CSV"):
        list(listing.inventoried(s3, STUDY, inventory(s3, [], fileFormat="Parquet")))
    with pytest.raises(CommandError, match="lists the bucket else"):
        list(listing.inventoried(s3, STUDY, inventory(s3, [], sourceBucket="else")))


@pytest.mark.parametrize(
    ("key", "data"),
    [
        *(("lists/manifest.json", data) for data in (b"not JSON", b"{}", b"[]")),
        *(("lists/data/1.csv.gz", data) for data in (b"not gzip", b"\x1f\x8b\x08")),
    ],
)
def test_an_inventory_that_is_damaged_is_said(s3: Any, key: str, data: bytes) -> None:
    # GIVEN something else at the name, or a report that is cut short
    name = inventory(s3, [])
    put(s3, key, data)
    # THEN the error names it
    with pytest.raises(CommandError, match=r"lists/manifest.json is no inventory that can be read"):
        list(listing.inventoried(s3, STUDY, name))


LINES = """\
{"key": "batches/creek/a.jpg"}
{"bucket": "study-photos", "key": "batches/creek/b.jpg", "size": 7, "etag": "\\"e\\"", "station": "N1",\
 "latitude": -1.5, "longitude": 36}
"""
TABLE = """\
bucket,key,size,etag,station,latitude,longitude
,batches/creek/a.jpg,,,,,
study-photos,batches/creek/b.jpg,7,e,N1,-1.5,36
"""


@pytest.mark.parametrize(("name", "text"), [("photos.jsonl", LINES), ("photos.csv", TABLE)])
@pytest.mark.parametrize("is_local", [True, False])
def test_a_manifest_may_say_station_and_place(s3: Any, tmp_path: Path, name: str, text: str, is_local: bool) -> None:
    # GIVEN a manifest, here or in S3
    if is_local:
        (tmp_path / name).write_text(text, encoding="utf-8")
        where = str(tmp_path / name)
    else:
        put(s3, f"lists/{name}", text.encode())
        where = f"s3://{BUCKET}/lists/{name}"
    # THEN it says what it says
    assert list(listing.named(s3, STUDY, where)) == [
        StoredPhoto("a.jpg"),
        StoredPhoto("b.jpg", 7, 0, "e", "N1", Place("given", -1.5, 36.0)),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"key": "elsewhere/a.jpg"}', "entry 1: .*not below"),
        ('{"key": "batches/creek/a.jpg", "bucket": "other"}', "not below"),
        ("a.jpg", "line 1 is no JSON object"),
        ("[1]", "line 1 is no JSON object"),
        ('{"key": "batches/creek/a.jpg", "latitude": 1}', "only one of latitude and longitude"),
        ('{"key": "batches/creek/a.jpg", "latitude": 91, "longitude": 0}', "no position"),
        ('{"key": "batches/creek/a.jpg", "size": "big"}', "invalid literal"),
        ('{"key": "batches/creek/a.jpg", "modified": 5}', "entry 1: .*must be str"),
    ],
)
def test_a_fault_in_a_manifest_is_named(s3: Any, tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "m.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(CommandError, match=message):
        list(listing.named(s3, STUDY, str(tmp_path / "m.jsonl")))


def test_a_manifest_that_is_not_utf_8_or_not_there_is_named(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_bytes(TABLE.encode("utf-16"))
    with pytest.raises(CommandError, match="save it as UTF-8"):
        list(listing.named(s3, STUDY, str(tmp_path / "m.csv")))
    with pytest.raises(CommandError, match="cannot be read"):
        list(listing.named(s3, STUDY, str(tmp_path / "none.jsonl")))


NORTH = Place("given", -1.2345, 36.789)


def found(path: str, station: str | None = None, place: Place = NONE) -> tuple[ListedPhoto, str]:
    return ListedPhoto(path, 10, 1, station, place, 0.0), f"etag-{path}"


def lines(results: ResultsFile) -> list[dict[str, object]]:
    file = io.BytesIO()
    number = listing.write(results, STUDY, file)
    written = [json.loads(line) for line in file.getvalue().splitlines()]
    assert number == len(written)
    return written


def test_photos_of_a_station_follow_each_other() -> None:
    # GIVEN photos of two stations, one with a place, in turns
    with ResultsFile(None, write=True) as results:
        photos = [found("1.jpg", "S"), found("2.jpg", "N", NORTH), found("3.jpg"), found("4.jpg", "S")]
        listing.keep(results, photos)
        # THEN they are sorted, with what is known of each
        expected: dict[str, dict[str, object]] = {
            "3.jpg": {},
            "2.jpg": {"station": "N", "latitude": -1.2345, "longitude": 36.789},
            "1.jpg": {"station": "S"},
            "4.jpg": {"station": "S"},
        }
        assert lines(results) == [
            {"bucket": BUCKET, "key": f"batches/creek/{name}", **known, "etag": f"etag-{name}"}
            for name, known in expected.items()
        ]


def test_only_what_is_left_and_still_there_is_asked_for(tmp_path: Path) -> None:
    # GIVEN a study of three photos, one of which has an answer
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        listing.keep(results, [found("a.jpg"), found("b.jpg"), found("c.jpg")])
        results.save(Outcome(next(iter(results.tasks())), "done", 10, 1, answer="{}"))
    # WHEN one of the others is deleted
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        listing.keep(results, [found("a.jpg"), found("b.jpg")])
        # THEN the last one is asked for
        assert [each["key"] for each in lines(results)] == ["batches/creek/b.jpg"]

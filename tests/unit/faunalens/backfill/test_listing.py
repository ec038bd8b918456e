"""Which photos a study in S3 has: by its folder, an inventory or a manifest."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from faunalens.backfill import listing
from faunalens.backfill.cloud import S3Name
from faunalens.backfill.listing import StoredPhoto
from faunalens.engines.place import NONE, Place
from faunalens.errors import CommandError
from faunalens.study.results import ListedPhoto, Outcome, ResultsFile
from tests.unit.faunalens.backfill.conftest import BUCKET

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


def test_an_inventory_that_does_not_fit_or_is_damaged_is_said(s3: Any) -> None:
    for about, said in (({"fileFormat": "Parquet"}, "in CSV"), ({"sourceBucket": "else"}, "lists the bucket else")):
        with pytest.raises(CommandError, match=said):
            list(listing.inventoried(s3, STUDY, inventory(s3, [], **about)))
    # GIVEN something else at the name, or a report that is cut short
    damaged = [("lists/manifest.json", data) for data in (b"not JSON", b"{}", b"[]")]
    for key, data in (*damaged, ("lists/data/1.csv.gz", b"not gzip"), ("lists/data/1.csv.gz", b"\x1f\x8b\x08")):
        name = inventory(s3, [])
        put(s3, key, data)
        with pytest.raises(CommandError, match=r"lists/manifest.json cannot be read as an inventory"):
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
def test_a_manifest_here_or_in_s3_may_say_station_and_place(s3: Any, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    put(s3, f"lists/{name}", text.encode())
    expected = [StoredPhoto("a.jpg"), StoredPhoto("b.jpg", 7, 0, "e", "N1", Place("given", -1.5, 36.0))]
    for where in (str(tmp_path / name), f"s3://{BUCKET}/lists/{name}"):
        assert list(listing.named(s3, STUDY, where)) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"key": "elsewhere/a.jpg"}', "entry 1: .*not below"),
        ('{"key": "batches/creek/a.jpg", "bucket": "other"}', "not below"),
        ("[1]", "line 1 is not a JSON object"),
        ('{"key": "batches/creek/a.jpg", "latitude": 1}', "only one of latitude and longitude"),
        ('{"key": "batches/creek/a.jpg", "latitude": 91, "longitude": 0}', "not a position"),
        ('{"key": "batches/creek/a.jpg", "latitude": 1, "longitude": -181}', "not a position"),
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


def test_what_is_left_and_still_there_is_asked_for_with_what_is_known_of_it_by_station(results: ResultsFile) -> None:
    def listed(*photos: tuple[str, str | None, Place]) -> list[dict[str, object]]:
        found = (ListedPhoto(path, 10, 1, station, place, 0.0) for path, station, place in photos)
        listing.keep(results, ((photo, f"etag-{photo.path}") for photo in found))
        number = listing.write(results, STUDY, file := io.BytesIO())
        written = [json.loads(line) for line in file.getvalue().splitlines()]
        assert number == len(written)
        return written

    # GIVEN photos of two stations, one with a place, in turns
    one, two, three = ("1", "S", NONE), ("2", "N", Place("given", -1.2345, 36.789)), ("3", None, NONE)
    known: dict[str, dict[str, object]]
    known = {"3": {}, "2": {"station": "N", "latitude": -1.2345, "longitude": 36.789}, "1": {"station": "S"}}
    assert listed(one, two, three, ("4", "S", NONE)) == [
        {"bucket": BUCKET, "key": f"batches/creek/{name}", **more, "etag": f"etag-{name}"}
        for name, more in (known | {"4": {"station": "S"}}).items()
    ]
    # WHEN the first has an answer, and the last two are deleted
    results.save(Outcome(next(results.tasks()), "done", 10, 1, answer="{}"))
    assert [each["key"] for each in listed(one, two)] == ["batches/creek/2"]

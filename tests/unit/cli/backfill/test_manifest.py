"""The manifest of a run: what is left, sorted by station."""

import io
import json
from pathlib import Path

from cli.backfill import manifest
from cli.backfill.listing import StoredPhoto
from cli.backfill.s3_name import S3Name
from cli.results.file import ResultsFile
from cli.results.row import NONE, FoundPhoto, Outcome, Place

STUDY = S3Name("photos", "batches/creek/")
NORTH = Place("given", -1.2345, 36.789)


def found(path: str, station: str | None = None, place: Place = NONE) -> tuple[FoundPhoto, StoredPhoto]:
    return FoundPhoto(path, 10, 1, station, place, 0.0), StoredPhoto(path, 10, 1, f"etag-{path}")


def lines(results: ResultsFile) -> list[dict[str, object]]:
    file = io.BytesIO()
    number = manifest.write(results, STUDY, file)
    written = [json.loads(line) for line in file.getvalue().splitlines()]
    assert number == len(written)
    return written


def test_photos_of_a_station_follow_each_other() -> None:
    # GIVEN photos of two stations, one with a place, in turns
    with ResultsFile(None, write=True) as results:
        photos = [found("1.jpg", "S"), found("2.jpg", "N", NORTH), found("3.jpg"), found("4.jpg", "S")]
        manifest.keep(results, photos)
        # THEN they are sorted, with what is known of each
        assert lines(results) == [
            {"bucket": "photos", "key": "batches/creek/3.jpg", "etag": "etag-3.jpg"},
            {
                "bucket": "photos",
                "key": "batches/creek/2.jpg",
                "station": "N",
                "latitude": -1.2345,
                "longitude": 36.789,
                "etag": "etag-2.jpg",
            },
            {"bucket": "photos", "key": "batches/creek/1.jpg", "station": "S", "etag": "etag-1.jpg"},
            {"bucket": "photos", "key": "batches/creek/4.jpg", "station": "S", "etag": "etag-4.jpg"},
        ]


def test_only_what_is_left_and_still_there_is_asked_for(tmp_path: Path) -> None:
    # GIVEN a study of three photos, one of which has an answer
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        manifest.keep(results, [found("a.jpg"), found("b.jpg"), found("c.jpg")])
        results.save(Outcome(next(iter(results.tasks())), "done", 10, 1, answer="{}"))
    # WHEN one of the others is deleted
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        manifest.keep(results, [found("a.jpg"), found("b.jpg")])
        # THEN the last one is asked for
        assert [each["key"] for each in lines(results)] == ["batches/creek/b.jpg"]


def test_a_correction_of_the_clock_is_in_the_manifest() -> None:
    with ResultsFile(None, write=True) as results:
        photo, stored = found("a.jpg")
        manifest.keep(results, [(photo._replace(shift=-3600.0), stored)])
        assert [each.get("shift") for each in lines(results)] == [-3600.0]

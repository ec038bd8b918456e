"""Lines of runs become rows of a results file: once, in any order of being killed, the latest last."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.batch.line import Line, hash_of, object_key
from faunalens.backfill.cloud import S3Name
from faunalens.backfill.merge import merge
from faunalens.engines.place import NONE
from faunalens.errors import CommandError
from faunalens.study.results import ListedPhoto, ResultsFile
from tests.unit.faunalens.backfill.conftest import BUCKET

STUDY = S3Name("photos", "batches/creek/")
ANSWER = {"prediction": None, "features": {"mode": "narrowed"}}


def line(path: str, **values: Any) -> Line:
    key, etag = f"batches/creek/{path}", values.get("etag", "e")
    given: dict[str, Any] = {"size": 10, "etag": "e", "time": "2026-03-01 05:12:44", "width": 640, "height": 480}
    given |= {"photo": f"s3://photos/{key}", "hash": hash_of("photos", key, etag), "answer": ANSWER}
    given |= {"status": "identified", "identified": "2026-11-26T09:00:00+00:00"}
    return Line(**given | values)


def put(s3: Any, folder: S3Name, *lines: Line) -> None:
    for each in lines:
        s3.put_object(Bucket=folder.bucket, Key=object_key(folder.key, each.hash), Body=each.text.encode())


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> S3Name:
    return S3Name(BUCKET, f"results/{request.node.name}/")


@pytest.fixture
def results() -> Iterator[ResultsFile]:
    with ResultsFile(None, write=True) as kept:
        kept.find(ListedPhoto(name, 10, 5, "N", NONE, 0.0) for name in ("a.jpg", "b.jpg", "c.jpg"))
        yield kept


def rows(results: ResultsFile) -> dict[str, tuple[Any, ...]]:
    return {row["path"]: tuple(row)[1:] for row in results.rows("select path, state, code from photo order by path")}


def test_each_line_is_the_outcome_of_its_photo(s3: Any, folder: S3Name, results: ResultsFile) -> None:
    # GIVEN an answer, a photo that cannot be read, one without its place, and a photo without a line
    degraded = {**ANSWER, "features": {"mode": "degraded"}}
    put(
        s3,
        folder / "run-1/",
        line("a.jpg", latitude=-1.25, longitude=36.0),
        line("b.jpg", status="unreadable", answer=None, error="photo_unreadable", detail="no photo"),
        line("d.jpg", answer=degraded, station="S"),
    )
    # WHEN they are merged
    assert sum(merge(s3, STUDY, folder, results)) == 3
    # THEN the file knows, also of the photo that was submitted elsewhere
    assert rows(results) == {
        "a.jpg": ("done", None),
        "b.jpg": ("unreadable", "photo_unreadable"),
        "c.jpg": ("new", None),
        "d.jpg": ("failed", "degraded"),
    }
    (row,) = results.rows("select * from photo where path = 'a.jpg'")
    assert (row["taken"], row["latitude"], row["longitude"]) == ("2026-03-01 05:12:44", -1.25, 36.0)
    assert (row["width"], row["height"], row["modified"]) == (640, 480, 5)
    assert row["identified"] == "2026-11-26T09:00:00+00:00"


def test_a_merge_that_was_stopped_goes_on(
    s3: Any, folder: S3Name, results: ResultsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN more lines than one page has, and a merge that ends after the first
    monkeypatch.setattr("faunalens.backfill.merge.PAGE", 3)
    put(s3, folder / "run-1/", *(line(f"{number}.jpg") for number in range(5)))
    first = merge(s3, STUDY, folder, results)
    assert next(first) == 3
    first.close()
    # WHEN it is run again THEN it reads the others
    assert list(merge(s3, STUDY, folder, results)) == [2]
    assert results.counts().done == 5
    # AND the next one reads what is new, with a margin
    put(s3, folder / "run-2/", line("a.jpg"))
    assert list(merge(s3, STUDY, folder, results)) == [3, 3]
    results.describe(merged_since="2100-01-01T00:00:00+00:00")
    assert sum(merge(s3, STUDY, folder, results)) == 0


def test_the_later_run_counts_and_a_changed_or_lost_photo_waits(s3: Any, folder: S3Name, results: ResultsFile) -> None:
    # GIVEN a photo that a first run could not read, one whose size is another now, one that was there when a process
    # ended, and one from a manifest without sizes, which say nothing of a change
    unsized = ListedPhoto("e.jpg", 0, 0, "N", NONE, 0.0)
    results.find([unsized])
    put(s3, folder / "run-1/", line("a.jpg", status="unreadable", answer=None, error="object_missing"))
    ended = line("c.jpg", status="unreadable", answer=None, error="interrupted")
    put(s3, folder / "run-2/", line("a.jpg", etag="f"), line("b.jpg", size=11), ended, line("e.jpg"))
    # WHEN the first run is merged THEN the next one has what could not be read
    assert sum(merge(s3, STUDY, folder / "run-1/", results)) == 1
    assert rows(results)["a.jpg"] == ("failed", "object_missing")
    assert {task.path for task in results.tasks()} == {"a.jpg", "b.jpg", "c.jpg", "e.jpg"}
    # WHEN both are, and the same manifest is submitted again
    assert sum(merge(s3, STUDY, folder, results)) == 3
    results.find([unsized])
    # THEN the later answer counts, and what has none of this photo is left
    assert {path: state for path, (state, _) in rows(results).items() if state != "done"} == {
        "b.jpg": "new",
        "c.jpg": "failed",
    }
    assert {task.path for task in results.tasks()} == {"b.jpg", "c.jpg"}


def test_what_is_no_line_is_named(s3: Any, folder: S3Name, results: ResultsFile) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{folder.key}run-1/aa/x.json", Body=b'{"photo": 1}')
    with pytest.raises(CommandError, match=r"aa/x\.json is not a result line"):
        list(merge(s3, STUDY, folder, results))


def test_times_are_the_cameras_and_copies_count_once(s3: Any, folder: S3Name, results: ResultsFile) -> None:
    times = {"a.jpg": None, "b.jpg": "soon", "c.jpg": "2026-03-01T05:12:44.5+03:00"}
    put(s3, folder / "run-1/", *(line(path, time=time, etag=str(time)[:1]) for path, time in times.items()))
    put(s3, folder / "run-1/", line("d.jpg", station="N", time=None, etag="N"))
    list(merge(s3, STUDY, folder, results))
    taken = [row["taken"] for row in results.rows("select taken from photo order by path")]
    assert taken == [None, None, "2026-03-01 05:12:44+03:00", None]
    assert results.number("copies") == 1

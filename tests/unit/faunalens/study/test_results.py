"""The results file: what a run finds, what it did, and what is left."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from faunalens.engines.place import EXIF, Place
from faunalens.errors import CommandError
from faunalens.study.finding import Observation
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile, State, Task
from faunalens.study.study import Study
from tests.support.studies import answer, say

HERE = Place("given", -33.9, 151.2)


def found(path: str = "a.jpg", size: int = 10, modified: int = 1, place: Place = EXIF) -> ListedPhoto:
    return ListedPhoto(path, size, modified, None, place, 0.0)


def done(task: Task, state: State = "done", text: str | None = "{}") -> Outcome:
    code = None if state in ("done", "touched") else "photo_unreadable"
    return Outcome(task, state, 10, 1, 77, answer=text, code=code, identified="2026")


def paths(results: ResultsFile) -> list[str]:
    return [task.path for task in results.tasks()]


def test_what_is_done_stays_done_with_the_study_and_its_deployments(tmp_path: Path) -> None:
    # GIVEN two photos, one of which was done, and a run that ended there
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        results.describe(folder="/card")
        results.replace_deployments([{"deploymentID": "old"}])
        results.replace_deployments([{"deploymentID": "b"}, {"deploymentID": "a"}])
        results.find([found("a.jpg"), found("b.jpg")])
        results.save(done(next(results.tasks())))
    # WHEN another run finds the same THEN the other is left
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        results.find([found("a.jpg"), found("b.jpg")])
        assert paths(results) == ["b.jpg"]
        assert (results.counts(), results.counts().total) == ((1, 0, 0, 1), 2)
        assert results.study() == {"folder": "/card"}
        assert [row["deploymentID"] for row in results.deployments()] == ["b", "a"]


ELSEWHERE, NOWHERE = Place("given", 9.0, -79.5), Place("none")
NEAR = Place("given", -33.9004, 151.2)


@pytest.mark.parametrize(
    ("position", "again", "is_left", "keeps_checksum"),
    [
        (None, found(), False, False),
        (None, found(size=11), True, False),
        (None, found(modified=2), True, True),
        (None, found(place=HERE), True, False),
        (None, found(size=11, modified=2), True, False),
        (HERE, found(place=NEAR), False, False),  # another tree in the same cell
        (HERE, found(place=ELSEWHERE), True, False),
        (HERE, found(place=NOWHERE), True, False),  # the position in EXIF may be anywhere
    ],
)
def test_a_changed_photo_is_left(
    results: ResultsFile, position: Place | None, again: ListedPhoto, is_left: bool, keeps_checksum: bool
) -> None:
    # GIVEN a photo that was done where EXIF said, or without a place
    results.find([found()])
    latitude = position and position.latitude
    facts = FileFacts(1, 1, None, latitude, position and position.longitude)
    results.save(replace(done(next(results.tasks())), facts=facts))
    # WHEN it is found again THEN only a change makes it new; if only its time changed, its bytes are compared
    results.find([again])
    tasks = list(results.tasks())
    assert [task.checksum for task in tasks] == ([77 if keeps_checksum else None] if is_left else [])
    # THEN the position is the new one, if that is known
    row, place = next(results.rows("select * from photo")), again.place or EXIF
    assert (row["latitude"], row["place"]) == (place.latitude if place.source == "given" else latitude, place.text)


def test_what_has_changed_is_counted(results: ResultsFile) -> None:
    # GIVEN three photos with an answer, one of them reviewed, by a person who saw two animals
    results.find(found(name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    for task in list(results.tasks()):
        results.save(done(task, text=answer(None)))
    say(results, "a.jpg", Observation("human"), Observation("vehicle"))
    assert results.changed() == (0, 0)
    # WHEN two are other files, and one was copied THEN two have changed
    results.find([found("a.jpg", size=11), found("b.jpg", size=12), found("c.jpg", modified=2), found("d.jpg")])
    assert results.changed() == (2, 1)


def test_the_same_bytes_keep_their_outcome_and_only_what_failed_is_tried_again(results: ResultsFile) -> None:
    results.find([found("a.jpg"), found("b.jpg"), found("c.jpg")])
    states: tuple[State, ...] = ("done", "unreadable", "failed")
    for task, state in zip(list(results.tasks()), states, strict=True):
        results.save(done(task, state, "{}" if state == "done" else None))
    assert paths(results) == ["c.jpg"]
    assert [row["path"] for row in results.faults()] == ["b.jpg", "c.jpg"]
    # GIVEN files that were copied again, so that their times are new
    results.find([found("a.jpg", modified=2), found("b.jpg", modified=2)])
    for task in list(results.tasks())[:2]:
        results.save(done(task, "touched"))
    # THEN they count as before, and the new time is known
    assert results.counts() == (1, 1, 1, 0)
    results.find([found("a.jpg"), found("b.jpg")])
    assert paths(results) == ["c.jpg"]


def test_what_people_said_outlasts_a_photo_that_cannot_be_read(results: ResultsFile) -> None:
    # GIVEN three photos with an answer, two of them reviewed
    results.find(found(name) for name in ("a.jpg", "b.jpg", "c.jpg"))
    for task in list(results.tasks()):
        results.save(replace(done(task, text=answer(None)), facts=FileFacts(4, 3, "2026-05-01 12:00:00")))
    for name in ("a.jpg", "b.jpg"):
        say(results, name, Observation("human"))
    # WHEN a run that does them again cannot reach its service for one, and finds that the others are damaged
    results.find(found(name, size=11) for name in ("a.jpg", "b.jpg", "c.jpg"))
    states: tuple[State, ...] = ("failed", "unreadable", "unreadable")
    for task, state in zip(list(results.tasks()), states, strict=True):
        results.save(done(task, state, None))
    # THEN the run has said so, and what people said is exported at the time of the photo
    assert results.counts() == (0, 2, 1, 0)
    assert [row["path"] for row in results.faults()] == ["a.jpg", "b.jpg", "c.jpg"]
    photos = [(each.path, each.timed, each.finding.kind) for each in Study(results, 60).photos()]
    assert photos == [("a.jpg", True, "human"), ("b.jpg", True, "human")]
    # THEN a damaged one that was copied again is still damaged
    results.find([found("b.jpg", size=11, modified=2)])
    results.save(done(list(results.tasks())[1], "touched"))
    assert results.counts() == (0, 2, 1, 0)


def test_tasks_go_on_while_outcomes_are_kept(results: ResultsFile) -> None:
    # GIVEN more photos than are read at a time WHEN each fails THEN each is yielded once
    results.find(found(f"{number}.jpg") for number in range(2500))
    seen = []
    for task in results.tasks():
        seen.append(task.path)
        results.save(done(task, "failed", None))
    assert len(seen) == len(set(seen)) == 2500


def test_only_their_owner_may_read_the_results(tmp_path: Path) -> None:
    # GIVEN places of animals and people WHEN a run keeps them THEN the files are nobody else's
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        results.find([found()])
        files = sorted(tmp_path.iterdir())
        assert {each.name: each.stat().st_mode & 0o777 for each in files} == dict.fromkeys(
            ("r.db", "r.db-lock", "r.db-shm", "r.db-wal"), 0o600 if os.name == "posix" else 0o666
        )


def test_only_one_run_writes_and_a_reader_sees_one_moment(tmp_path: Path) -> None:
    with ResultsFile(tmp_path / "r.db", write=True) as results:
        results.find([found("a.jpg")])
        with pytest.raises(CommandError, match="another run is writing"):
            ResultsFile(tmp_path / "r.db", write=True)
        # GIVEN an export that has begun to read
        with ResultsFile(tmp_path / "r.db", write=False) as reader:
            assert reader.counts().total == 1
            # WHEN a run goes on THEN the export stays with what it has read, and the next one has it all
            results.find([found("b.jpg")])
            assert reader.counts().total == 1
        with ResultsFile(tmp_path / "r.db", write=False) as reader:
            assert reader.counts().total == 2


def test_results_on_a_read_only_disk_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN results in a folder without the right to write; root, who may write there, is refused too
    path = tmp_path / "archive 100%" / "r.db"
    path.parent.mkdir()
    with ResultsFile(path, write=True) as results:
        results.find([found("a.jpg")])
    path.parent.chmod(0o555)
    monkeypatch.setattr("os.access", lambda *_: False)
    # THEN they are read, and nothing is written beside them
    with ResultsFile(path, write=False) as reader:
        assert reader.counts().total == 1
        assert sorted(each.name for each in path.parent.iterdir()) == ["r.db", "r.db-lock"]
    path.parent.chmod(0o755)


def test_what_is_no_results_file_is_left_alone(tmp_path: Path) -> None:
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("no database, and longer than the header of 100 bytes that SQLite reads" * 2)
    sqlite3.connect(other).execute("create table mine (x)").connection.close()
    for path in (text, other):
        before = path.read_bytes()
        with pytest.raises(CommandError, match="is not a results file"):
            ResultsFile(path, write=True)
        assert path.read_bytes() == before
    with pytest.raises(CommandError, match="there is no results file"):
        ResultsFile(tmp_path / "missing.db", write=False)
    with pytest.raises(CommandError, match="there is no folder"):
        ResultsFile(tmp_path / "missing" / "r.db", write=True)


def test_a_run_that_does_not_say_keeps_place_and_clock(results: ResultsFile) -> None:
    def clocks() -> list[float]:
        return [row["shift"] for row in results.rows("select shift from photo")]

    # GIVEN photos whose place and clock were given to a run, one of them by its deployment
    a, b = ListedPhoto("a.jpg", 10, 1, None, None, None), ListedPhoto("b.jpg", 10, 1, "B", HERE, None)
    results.find([a._replace(place=HERE, shift=3600.0), b._replace(shift=3600.0)])
    for task in list(results.tasks()):
        results.save(done(task))
    # WHEN a run finds them again, without options THEN both stay as they are
    results.find([a, b])
    assert (paths(results), clocks()) == ([], [3600.0, 3600.0])
    # WHEN the deployment is taken away THEN its place goes with it; and another clock counts
    results.find([b._replace(deployment=None, place=None), a._replace(shift=0.0)])
    assert [(task.path, task.place) for task in results.tasks()] == [("b.jpg", EXIF)]
    assert clocks() == [0.0, 3600.0]


def version_1(path: Path) -> Path:
    """Write a results file as release 1 did, with a review."""
    with ResultsFile(path, write=True) as results:
        results.find([found()])
        results.save(done(next(iter(results.tasks()))))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
        drop table review; drop table boundary;
        create table review (
            photo integer primary key references photo,
            kind text not null check (kind in ('animal', 'human', 'vehicle', 'blank', 'unknown')),
            name text, scientific_name text, rank text, machine text not null, is_right integer not null,
            drawn integer not null, reviewer text not null, reviewed text not null
        ) strict;
        insert into review values (1, 'animal', 'lion', 'Panthera leo', 'species', 'blank', 0, 1, 'A. Person', '2026');
        pragma user_version = 1;
        """)
    return path


def test_an_older_file_is_read_as_it_is_and_changed_when_it_is_written(tmp_path: Path) -> None:
    def reviews(results: ResultsFile) -> list[dict[str, object]]:
        rows = map(dict, results.rows("select * from review"))
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    # GIVEN a file of an earlier release
    path = version_1(tmp_path / "r.db")
    said = {"photo": 1, "reviewer": "A. Person", "number": 1, "kind": "animal", "name": "lion", "rank": "species"}
    said |= {"scientific_name": "Panthera leo", "machine": "blank", "is_right": 0, "drawn": 1, "reviewed": "2026"}
    # WHEN it is read THEN its review is there, and the file stays
    with ResultsFile(path, write=False) as results:
        assert reviews(results) == [said]
        assert list(results.rows("select * from boundary")) == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("pragma user_version").fetchone() == (1,)
    # WHEN it is written THEN it has the new form, with the review, and opens again
    for _ in range(2):
        with ResultsFile(path, write=True) as results:
            assert reviews(results) == [said]
            assert next(results.rows("pragma user_version"))[0] == 2
            assert "review_1" not in {row["name"] for row in results.rows("select name from sqlite_schema")}


def test_a_file_of_an_earlier_commit_gets_the_tables_that_were_added_since(tmp_path: Path) -> None:
    # GIVEN a file of this version from before there were holds
    with ResultsFile(tmp_path / "r.db", write=True) as results, results.transaction() as connection:
        connection.execute("drop table hold")
    # WHEN it is written THEN it has them
    with ResultsFile(tmp_path / "r.db", write=True, shared=True) as results:
        assert list(results.rows("select * from hold")) == []

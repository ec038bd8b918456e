"""Results files of several people or machines that become one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faunalens.cli.__main__ import run
from faunalens.engines.place import EXIF
from faunalens.study.finding import Observation
from faunalens.study.moved import merge_from
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from faunalens.study.study import Study
from tests.support.studies import IMPALA, LION, answer, say, seen

OLD, NEW = "2026-06-01T00:00:00+00:00", "2026-06-02T00:00:00+00:00"


def add(results: ResultsFile, path: str, checksum: int, text: str | None = answer(IMPALA), at: str = OLD) -> None:
    """Add a photo with an answer, or one that failed."""
    results.find([ListedPhoto(path, 1000, 1, None, EXIF, 0.0)])
    task = next(task for task in results.tasks() if task.path == path)
    facts = FileFacts(800, 600, "2026-05-02 06:00:00")
    state, code = ("done", None) if text else ("failed", "timeout")
    results.save(Outcome(task, state, 1000, 1, checksum, facts, text, code, identified=at))  # type: ignore[arg-type]


def answers(results: ResultsFile) -> dict[str, str | None]:
    query = "select path, answer ->> '$.prediction.name' as name from photo order by path"
    return {row["path"]: row["name"] for row in results.rows(query)}


def opinions(results: ResultsFile) -> list[tuple[str, ...]]:
    query = """
    select path, reviewer, coalesce(name, kind) from review join photo on photo.id = photo
    order by path, reviewer, number
    """
    return [tuple(row) for row in results.rows(query)]


def file_of(part: dict[str, tuple[str | None, str]]) -> Callable[[ResultsFile], None]:
    """Return what adds photos to a file. `part`: by path the answer and its time."""

    def fill(results: ResultsFile) -> None:
        for path, (text, at) in part.items():
            add(results, path, hash(path), text, at)

    return fill


@contextmanager
def merged(*files: Callable[[ResultsFile], None]) -> Iterator[tuple[ResultsFile, dict[str, int]]]:
    """Merge files into a new one. Yield it, and how often the last one conflicted, by the first word of what."""
    with ResultsFile(None, write=True) as into:
        for fill in files:
            with ResultsFile(None, write=True) as source:
                fill(source)
                conflicts = merge_from(into, source).conflicts
        yield into, {what.partition(" ")[0]: number for what, number in conflicts.items() if number}


def test_the_newest_answer_stands_and_any_is_better_than_none() -> None:
    impala, lion = answer(IMPALA), answer(LION)
    ours = {"1": (impala, OLD), "2": (impala, NEW), "3": (None, NEW), "4": (impala, OLD)}
    theirs = {"1": (lion, NEW), "2": (lion, OLD), "3": (lion, OLD), "4": (None, NEW), "5": (lion, OLD)}
    with merged(file_of(ours), file_of(theirs)) as (into, conflicts):
        assert answers(into) == {"1": "lion", "2": "impala", "3": "lion", "4": "impala", "5": "lion"}
        assert (conflicts, into.counts().done) == ({}, 5)


def test_a_photo_that_was_moved_is_the_same_and_another_one_of_its_path_is_left_out(tmp_path: Path) -> None:
    def one(file: ResultsFile) -> None:
        add(file, "N/1", 1)
        add(file, "N/2", 2)

    def other(file: ResultsFile) -> None:
        for path, checksum in (("North/1", 1), ("N/2", 99)):
            add(file, path, checksum, answer(LION), NEW)
            say(file, path, seen("Panthera leo"))

    with merged(one, other) as (into, conflicts):
        assert answers(into) == {"N/1": "lion", "N/2": "impala"}
        # THEN what people said of the other photo is not said of this one
        assert opinions(into) == [("N/1", "A. Person", "lion")]
        assert conflicts == {"photo": 1}
        # GIVEN a photo that each of two people has in another folder, and both on this machine THEN none was moved
        into.describe(folder=str(tmp_path))
        for path in ("N/1", "South/1"):
            (tmp_path / path).parent.mkdir()
            (tmp_path / path).touch()
        with ResultsFile(None, write=True) as copied:
            add(copied, "South/1", 1)
            merge_from(into, copied)
        assert sorted(answers(into)) == ["N/1", "N/2", "South/1"]


def test_a_photo_of_unread_bytes_that_was_moved_is_the_same_by_name_size_and_time() -> None:
    def unread(path: str) -> Callable[[ResultsFile], None]:
        def fill(file: ResultsFile) -> None:
            add(file, path, 1)
            say(file, path, seen("Panthera leo"), reviewer=path)
            with file.transaction() as connection:  # as after an import
                connection.execute("update photo set checksum = null")

        return fill

    with merged(unread("N/1"), unread("North/1"), unread("North/2")) as (into, conflicts):
        assert opinions(into) == [("N/1", "N/1", "lion"), ("N/1", "North/1", "lion"), ("North/2", "North/2", "lion")]
        assert conflicts == {}


def test_all_opinions_are_kept_and_of_one_reviewer_the_newer() -> None:
    def one(file: ResultsFile) -> None:
        for number, at in enumerate((NEW, OLD, OLD)):
            add(file, f"N/{number}", number)
            say(file, f"N/{number}", seen("Panthera leo"), Observation("human"), at=at)

    def other(file: ResultsFile) -> None:
        one(file)
        say(file, "N/0", Observation("blank"), at=OLD)
        say(file, "N/1", Observation("blank"), at=NEW)
        say(file, "N/2", Observation("vehicle"), reviewer="B. Other", at=NEW)

    with merged(one, other) as (into, conflicts):
        said = [("N/0", "lion"), ("N/0", "human"), ("N/1", "blank"), ("N/2", "lion"), ("N/2", "human")]
        expected = [(path, "A. Person", what) for path, what in said]
        assert opinions(into) == [*expected, ("N/2", "B. Other", "vehicle")]
        assert {photo.path: photo.finding.kind for photo in Study(into, 60).photos()}["N/2"] == "vehicle"
        assert conflicts == {"photo": 2}


def test_deployments_and_events_of_the_first_file_stay() -> None:
    def file(starts: int, *rows: dict[str, str]) -> Callable[[ResultsFile], None]:
        def fill(results: ResultsFile) -> None:
            add(results, "N/1", 1)
            results.replace_deployments(rows)
            with results.transaction() as connection:
                connection.execute("insert into boundary values (1, ?)", (starts,))

        return fill

    north, south = {"deploymentID": "N", "latitude": "1"}, {"deploymentID": "S", "latitude": "2"}
    with merged(file(1, north), file(0, south, north | {"latitude": "3"})) as (into, conflicts):
        assert into.deployments() == [north, south]
        assert [row["starts"] for row in into.rows("select starts from boundary")] == [1]
        assert conflicts == {"deployment": 1, "event": 1}


PARTS = st.dictionaries(
    st.sampled_from(("N/1", "N/2", "S/1")),
    st.tuples(st.sampled_from((None, answer(IMPALA), answer(LION))), st.sampled_from((OLD, NEW))),
)


@settings(max_examples=20)
@given(PARTS, PARTS)
def test_merging_again_changes_nothing_and_the_order_does_not_matter(
    one: dict[str, tuple[str | None, str]], other: dict[str, tuple[str | None, str]]
) -> None:
    a, b = file_of(one), file_of(other)
    with merged(a, b) as (forth, _), merged(b, a) as (back, _), merged(a, b, a, b) as (again, _):
        same = all(one[path][1] != other[path][1] for path in one.keys() & other.keys())
        assert answers(forth) == answers(again)
        assert not same or answers(forth) == answers(back)


def study(file: Path, folder: Path, photos: dict[str, int], at: str = OLD) -> Path:
    """Write a results file of a folder, and the folder. `photos`: their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    with ResultsFile(file, write=True) as results:
        results.describe(folder=str(folder))
        results.replace_deployments([{"deploymentID": folder.name, "folder": "card"}])
        for path, checksum in photos.items():
            add(results, path, checksum, at=at)
    return file


def test_the_command_merges_copies_of_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a study, and a copy of it on another machine that has more
    mine = study(tmp_path / "mine.db", tmp_path / "cards", {"N/1": 1})
    theirs = study(tmp_path / "theirs.db", tmp_path / "elsewhere", {"N/1": 1, "N/2": 2}, at=NEW)
    (tmp_path / "elsewhere").rmdir()
    assert run(["merge", str(mine), str(theirs), "--into", str(tmp_path / "all.db")]) == 0
    # THEN it says what came of each
    assert capsys.readouterr().out.splitlines() == [
        f"{mine}: 1 photo, 1 of them new; 0 answers and 0 observations taken over",
        f"{theirs}: 2 photos, 1 of them new; 1 answer and 0 observations taken over",
        f"{tmp_path / 'all.db'}: 2 photos",
    ]
    with ResultsFile(tmp_path / "all.db", write=False) as results:
        assert results.study()["folder"] == str(tmp_path / "cards")
    # THEN no file is merged into itself
    assert run(["merge", str(mine), "--into", str(mine)]) == 2


def test_folders_of_one_machine_come_below_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN results of two folders
    cards = [tmp_path / "cards" / name for name in ("north", "south")]
    files = [study(tmp_path / f"{each.name}.db", each, {"card/1": number}) for number, each in enumerate(cards)]
    merge = ["merge", *map(str, files), "--into"]
    # WHEN they are merged as they are THEN it asks which folder has both
    assert run([*merge, str(tmp_path / "all.db")]) == 2
    assert "say with --root which folder" in capsys.readouterr().err
    assert not (tmp_path / "all.db").exists()
    # WHEN that is said THEN photos and deployments are named by their paths below it
    assert run([*merge, str(tmp_path / "all.db"), "--root", str(tmp_path / "cards")]) == 0
    with ResultsFile(tmp_path / "all.db", write=False) as results:
        assert sorted(answers(results)) == ["north/card/1", "south/card/1"]
        assert [row["folder"] for row in results.deployments()] == ["north/card", "south/card"]
    # WHEN they are said to be copies of each other THEN their paths stay
    assert run([*merge, str(tmp_path / "copies.db"), "--root", str(cards[0])]) == 0
    with ResultsFile(tmp_path / "copies.db", write=False) as results:
        assert sorted(answers(results)) == ["card/1"]

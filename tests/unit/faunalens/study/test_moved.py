"""Photos that were renamed, moved, copied or deleted, and those of several people's or machines' results files."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faunalens.cli.__main__ import run
from faunalens.engines.place import EXIF
from faunalens.study.finding import Observation
from faunalens.study.moved import find_below, forget, gone, last_reviewed, merge_from
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile
from faunalens.study.study import Study
from tests.support.studies import IMPALA, LION, answer, say, seen


def listed(path: str, size: int) -> ListedPhoto:
    return ListedPhoto(path, size, 1, None, EXIF, 0.0)


class Folder:
    """A folder of photos, and its runs. A photo's answer is the path that it had when it was identified."""

    def __init__(self, root: Path, results: ResultsFile) -> None:
        self.root, self.results = root, results
        results.describe(folder=str(root))

    def write(self, **photos: bytes) -> None:
        for name, data in photos.items():
            path = self.root / name.replace("_", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)

    def run(self) -> dict[str, str]:
        files = sorted(each for each in self.root.rglob("*") if each.is_file())
        photos = (listed(str(each.relative_to(self.root)), each.stat().st_size) for each in files)
        find_below(self.results, self.root, photos)
        for task in list(self.results.tasks()):
            data = (self.root / task.path).read_bytes()
            text = answer(None, was=task.path)
            self.results.save(Outcome(task, "done", len(data), 1, crc32(data), answer=text, identified="2026"))
        return self.answers

    @property
    def answers(self) -> dict[str, str]:
        query = "select path, answer ->> '$.was' as was from photo order by path"
        return {row["path"]: row["was"] for row in self.results.rows(query)}

    @property
    def reviews(self) -> list[tuple[str, str]]:
        query = "select path, kind from review join photo on photo.id = review.photo order by path"
        return [(row["path"], row["kind"]) for row in self.results.rows(query)]


@pytest.fixture
def folder(tmp_path: Path, results: ResultsFile) -> Folder:
    """A folder of two photos that are done, one of them reviewed, of as many bytes."""
    folder = Folder(tmp_path, results)
    folder.write(N_1=b"one", N_2=b"two")
    folder.run()
    say(results, "N/1", Observation("human"))
    return folder


def test_a_photo_that_was_renamed_keeps_its_answer_and_its_review(folder: Folder) -> None:
    # WHEN a folder has another name
    (folder.root / "N").rename(folder.root / "North")
    # THEN nothing is done again, and the path is the new one
    assert folder.run() == {"North/1": "N/1", "North/2": "N/2"}
    assert folder.reviews == [("North/1", "human")]
    # WHEN one file takes the place of two copies THEN one was moved
    folder.write(M_1=b"one")
    folder.run()
    shutil.rmtree(folder.root / "M")
    (folder.root / "North" / "1").rename(folder.root / "3")
    assert folder.run() == {"3": "N/1", "M/1": "M/1", "North/2": "N/2"}


def test_a_photo_whose_bytes_nobody_read_is_known_by_name_size_and_time(folder: Folder, results: ResultsFile) -> None:
    # GIVEN answers without checksums, as an import makes them
    with results.transaction() as connection:
        connection.execute("update photo set checksum = null")
    # WHEN a folder has another name, and a file too
    (folder.root / "N").rename(folder.root / "North")
    (folder.root / "North" / "2").rename(folder.root / "North" / "3")
    # THEN the photo of the same name keeps its answer and its review; another one is new
    assert folder.run() == {"N/2": "N/2", "North/1": "N/1", "North/3": "North/3"}
    assert folder.reviews == [("North/1", "human")]
    # WHEN another photo of this name and size, but of another time, is in place of it THEN it is new
    with results.transaction() as connection:
        connection.execute("update photo set checksum = null, modified = 2")
    (folder.root / "North").rename(folder.root / "N")
    assert folder.run()["N/1"] == "N/1"
    assert folder.reviews == [("North/1", "human")]


def test_names_of_a_camera_that_begin_again_are_other_photos(folder: Folder) -> None:
    # WHEN the photos of a card were moved, and others of the same names take their place
    (folder.root / "N").rename(folder.root / "Z")
    folder.write(N_1=b"three", N_2=b"four!")
    # THEN each keeps its own
    assert folder.run() == {"N/1": "N/1", "N/2": "N/2", "Z/1": "N/1", "Z/2": "N/2"}
    assert folder.reviews == [("Z/1", "human")]
    # THEN another photo of as many bytes is none that was moved
    (folder.root / "N" / "1").unlink()
    folder.write(N_3=b"other")
    assert folder.run()["N/3"] == "N/3"


def test_photos_that_take_the_paths_of_others_keep_their_reviews(folder: Folder) -> None:
    # GIVEN another camera's folder
    folder.write(S_1=b"south", S_2=b"southern")
    folder.run()
    # WHEN the folders of two cameras, which were mixed up, are swapped
    for old, new in (("N", "swap"), ("S", "N"), ("swap", "S")):
        (folder.root / old).rename(folder.root / new)
    # THEN each photo keeps its answer and its review
    assert folder.run() == {"N/1": "S/1", "N/2": "S/2", "S/1": "N/1", "S/2": "N/2"}
    assert folder.reviews == [("S/1", "human")]
    # WHEN a photo is deleted, and the photo after it gets its number
    say(folder.results, "N/1", Observation("blank"))
    (folder.root / "N" / "2").replace(folder.root / "N" / "1")
    # THEN the review of the one is not that of the other, and the deleted one is gone
    assert folder.run() == {"N/1": "S/2", "N/2": "S/1", "S/1": "N/1", "S/2": "N/2"}
    assert folder.reviews == [("N/2", "blank"), ("S/1", "human")]
    assert [path for _, path in gone(folder.results) or ()] == ["N/2"]


def test_a_photo_that_is_twice_counts_once(folder: Folder) -> None:
    # WHEN a card was copied twice
    folder.write(M_1=b"one", M_2=b"two", M_3=b"new")
    folder.run()
    # THEN what is there twice counts once, as the reviewed one or the first
    query = "select path from photo where id in (select id from copies)"
    copied = {row["path"] for row in folder.results.rows(query)}
    assert (copied, folder.results.number("copies"), folder.results.number("shared")) == ({"M/1", "M/2"}, 2, 0)
    # THEN a copy in another deployment is another matter
    folder.results.find([listed("M/1", 3)._replace(deployment="M")])
    assert (folder.results.number("copies"), folder.results.number("shared")) == (1, 2)


@pytest.mark.parametrize(("name", "stays"), [("M/1", True), ("M/3", False)])
def test_a_gone_photo_of_unread_bytes_leaves_its_review_to_one_of_its_name_size_and_time(
    folder: Folder, name: str, *, stays: bool
) -> None:
    # GIVEN a copy of a photo, with its name or another, of which nobody has read the bytes, as after an import
    folder.write(**{name.replace("/", "_"): b"one"})
    folder.run()
    with folder.results.transaction() as connection:
        connection.execute("update photo set checksum = null where path like 'M/%'")
    shutil.rmtree(folder.root / "N")
    absent = gone(folder.results) or []
    # WHEN what is gone is forgotten THEN the copy has the review; what cannot have it is known before
    assert last_reviewed(folder.results, absent) == ({} if stays else {1: "N/1"})
    forget(folder.results, (identity for identity, _ in absent))
    assert folder.reviews == ([(name, "human")] if stays else [])


@pytest.mark.parametrize("kind", ["", "blank"])
def test_a_gone_photo_leaves_its_review_to_a_copy(folder: Folder, kind: Literal["", "blank"]) -> None:
    # GIVEN a photo of which a person named two things, and a copy, of which the same one may have named another
    folder.write(M_1=b"one")
    folder.run()
    say(folder.results, "N/1", Observation("human"), Observation("vehicle"))
    if kind:
        say(folder.results, "M/1", Observation(kind))
    shutil.rmtree(folder.root / "N")
    absent = gone(folder.results) or []
    assert [path for _, path in absent] == ["N/1", "N/2"]
    # WHEN what is gone is forgotten THEN the copy has the review, and two opinions of one person are not mixed
    forget(folder.results, (identity for identity, _ in absent))
    assert list(folder.answers) == ["M/1"]
    assert folder.reviews == [("M/1", each) for each in ([kind] if kind else ["human", "vehicle"])]
    # THEN without the folder nothing is known
    folder.results.describe(folder=str(folder.root / "unplugged"))
    assert gone(folder.results) is None


@pytest.mark.parametrize(("month", "left"), [("05", ["human", "vehicle"]), ("06", ["blank"]), ("07", ["blank"])])
def test_of_what_one_reviewer_said_of_a_photo_and_its_copy_the_newer_stays(
    folder: Folder, month: str, left: list[str]
) -> None:
    # GIVEN two copies of which a person named one thing and then two, and one that stays, named at some time
    folder.write(M_1=b"one", O_1=b"one")
    folder.run()
    say(folder.results, "O/1", Observation("animal"), Observation("blank"), Observation("unknown"), at="2026-04-01")
    say(folder.results, "N/1", Observation("human"), Observation("vehicle"), at="2026-06-01")
    say(folder.results, "M/1", Observation("blank"), at=f"2026-{month}-01")
    say(folder.results, "M/1", Observation("unknown"), reviewer="B. Person", at="2026-03-01")
    # WHEN the two are gone THEN the newest opinion of that person is left whole, and the other person's stays
    shutil.rmtree(folder.root / "N")
    shutil.rmtree(folder.root / "O")
    forget(folder.results, [identity for identity, _ in gone(folder.results) or ()])
    assert folder.reviews == [("M/1", each) for each in [*left, "unknown"]]


OLD, NEW = "2026-06-01T00:00:00+00:00", "2026-06-02T00:00:00+00:00"


def add(results: ResultsFile, path: str, checksum: int, text: str | None = answer(IMPALA), at: str = OLD) -> None:
    """Add a photo with an answer, or one that failed."""
    results.find([listed(path, 1000)])
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

"""Photos that were renamed, moved, copied or deleted."""

import shutil
from pathlib import Path
from typing import Literal
from zlib import crc32

import pytest

from faunalens.engines.place import EXIF
from faunalens.study.finding import Observation
from faunalens.study.moved import find_below, forget, gone, last_reviewed
from faunalens.study.results import ListedPhoto, Outcome, ResultsFile
from tests.support.studies import answer, say


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

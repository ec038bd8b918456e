"""Which photos of a study labels mean."""

from collections.abc import Iterator
from os.path import commonprefix
from pathlib import Path
from unittest.mock import Mock
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.importing.labels import Label
from faunalens.importing.photos import SURE, StudyPhotos, nearest
from faunalens.study.results import FileFacts, ListedPhoto, Outcome, ResultsFile

PATHS = ("N/100/IMG_1.JPG", "S/100/IMG_1.JPG", "S/101/IMG_2.JPG", "S\u00fcd/IMG_3.JPG")


@pytest.fixture(scope="module")
def photos() -> Iterator[StudyPhotos]:
    """Photos of two cameras, whose names repeat. Each has its path as bytes."""
    with ResultsFile(None, write=True) as results:
        results.find(ListedPhoto(path, len(path.encode()), 1, None, None, None) for path in PATHS)
        for task in list(results.tasks()):
            data, facts = task.path.encode(), FileFacts(1, 1, "2026-05-02 06:00:00")
            results.save(Outcome(task, "done", len(data), 1, crc32(data), facts, "{}"))
        yield StudyPhotos(results)


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("N/100/IMG_1.JPG", 1),
        ("./S\\100\\img_1.jpg", 2),
        ("D:\\Study\\S\\100\\IMG_1.JPG", 2),  # another root above
        ("101/IMG_2.JPG", 3),  # another one below
        ("old name/101/IMG_2.JPG", 3),
        ("IMG_2.JPG", 3),  # a name that is unique
        ("Su\u0308d/IMG_3.JPG", 4),  # as Macs write it
        ("100/IMG_1.JPG", None),  # of one of two
        ("W/IMG_1.JPG", None),
        ("N/100/IMG_9.JPG", None),
    ],
)
def test_a_photo_is_found_by_the_folders_that_agree(photos: StudyPhotos, path: str, number: int | None) -> None:
    assert list(photos.of(Label(path))[0]) == ([number] if number else [])


def test_a_name_that_repeats_on_every_card_is_compared_with_the_closest_paths_alone(
    results: ResultsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN many cards, each with a photo of the same name
    results.find(ListedPhoto(f"N{card}/IMG_1.JPG", 1, 1, None, None, None) for card in range(200))
    photos, compared = StudyPhotos(results), Mock(wraps=commonprefix)
    monkeypatch.setattr("faunalens.importing.photos.commonprefix", compared)
    # WHEN one of them is looked for THEN it is found without a look at all others
    assert list(photos.of(Label("card/N7/IMG_1.JPG"))[0]) == [8]
    assert compared.call_count <= 2


def test_a_name_alone_must_not_have_another_time(photos: StudyPhotos) -> None:
    times = ("2026-05-02T06:00:01+03:00", "2026-05-03 06:00:00", "05-Dec-2017")
    assert [list(photos.of(Label("x/IMG_2.JPG", taken=each))[0]) for each in times] == [[3], [], [3]]


def test_the_same_bytes_are_the_photo_whatever_its_name(photos: StudyPhotos, tmp_path: Path) -> None:
    (tmp_path / "other.jpg").write_bytes(PATHS[1].encode())
    assert list(photos.of(Label("fox/other.jpg", file=tmp_path / "other.jpg"))[0]) == [2]


def test_the_row_that_shares_most_names_means_a_photo_and_none_of_two_that_share_as_many() -> None:
    assert nearest([("a", [1], 2), ("b", [1, 2], 3), ("c", [2], 3), ("b", [2], 3), ("d", [1], 1)]) == {1: "b"}
    # THEN of copies, whose bytes are the photo's, the first one means it
    assert nearest([("a", [1], 2), ("copy", [1], SURE), ("other copy", [1], SURE)]) == {1: "copy"}


@given(st.lists(st.sampled_from(["N", "S", "100", "IMG_1.JPG", "", "..", "x"]), max_size=5))
def test_any_path_means_at_most_one_photo(photos: StudyPhotos, names: list[str]) -> None:
    found, strength = photos.of(Label("/".join(names)))
    assert len(found) <= 1
    assert strength <= len(names)

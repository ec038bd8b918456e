"""Copies: which folders photos go to, that people are blurred, and that a second run does nothing twice."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from PIL import Image
from PIL.ExifTags import IFD

from faunalens.cli.__main__ import run
from faunalens.errors import Exit
from faunalens.study.finding import Observation
from faunalens.study.results import ResultsFile
from faunalens.words import rows_of
from tests.support.pictures import SYDNEY, encoded, exif, noise
from tests.support.studies import IMPALA, LION, MAMMAL, PHOTOS, STATIONS, animal, answer, film, person, say, write_study

HOW = ("blurred", "blurred whole", "blurred", "link")
"""What becomes of photos of a person with boxes, of one without, of one beside a lion, and of a lion."""
NAMES = [path for path, _, text in PHOTOS if text]


@pytest.fixture
def studied(tmp_path: Path) -> Path:
    """The made-up study, with a file for each photo."""
    return study_of(tmp_path)


def study_of(tmp_path: Path, photos: Any = PHOTOS, stations: Any = STATIONS) -> Path:
    write_study(tmp_path / "study.db", photos, stations)
    for number, (path, *_) in enumerate(photos):
        file = tmp_path / "Two stations" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(encoded(noise(64, 48, number), "JPEG", exif=exif(SYDNEY)))
    return tmp_path


def change(folder: Path, how: str, *values: str) -> None:
    with ResultsFile(folder / "study.db", write=True) as results, results.transaction() as connection:
        connection.execute(f"update photo set {how}", values)  # noqa: S608, constants


def has_place(photo: Path) -> bool:
    with Image.open(photo) as image:
        return bool(image.getexif().get_ifd(IFD.GPSInfo))


def copied(folder: Path, *options: str, code: Exit = Exit.DONE) -> list[str]:
    assert run(["copy", str(folder / "study.db"), str(folder / "out"), *options]) == code
    return sorted(path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*.[jJ]*"))


EMPTY_EVENT, EVENT = "empty/north 2026-05-02 06.05.00", "north 2026-05-02 06.00.00"


@pytest.mark.parametrize(
    ("by", "some"),
    [
        ("taxon", ["antelope, ox or sheep (Bovidae)/north_IMG_0002.JPG"]),
        ("station", ["Water, hole/north_IMG_0001.JPG"]),
        ("event", [f"{EMPTY_EVENT}/north_IMG_0003.JPG", *(f"{EVENT}/north_IMG_000{each}.JPG" for each in (1, 2))]),
        ("station,taxon", ["Water, hole/antelope, ox or sheep (Bovidae)/north_IMG_0002.JPG"]),
    ],
)
def test_photos_are_sorted(studied: Path, by: str, some: list[str]) -> None:
    found = copied(studied, "--by", by)
    assert (len(found), found[: len(some)]) == (len(NAMES), some)
    rows = {row["path"]: row for row in rows_of(studied / "out" / "copied.csv")}
    assert sorted(rows) == sorted(NAMES)
    row = rows["N/IMG_0001.JPG"]
    assert (row["name"], row["scientific_name"], row["classified_by"]) == (*IMPALA[:2], "tiny 123456789abc")
    # AND the empty photo lies apart
    assert "empty" in rows["N/IMG_0003.JPG"]["new_path"]


def test_a_second_run_only_moves_what_was_reviewed(studied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = copied(studied)
    assert f"out: {len(NAMES)} linked" in capsys.readouterr().err
    assert copied(studied) == before
    assert f"out: {len(NAMES)} there already; copied.csv" in capsys.readouterr().err
    # WHEN the bovid turns out to be a lion
    change(studied, "answer = ? where path = 'N/IMG_0002.JPG'", answer(LION, 0.9))
    found = copied(studied)
    assert "lion (Panthera leo)/north_IMG_0002.JPG" in found
    # THEN it is no more where it was, nor is the folder
    assert not (studied / "out" / "antelope, ox or sheep (Bovidae)").exists()
    assert "1 linked; 4 there already; 1 deleted" in capsys.readouterr().err


def test_a_link_is_the_same_file_and_a_copy_is_not(studied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = (studied / "Two stations" / NAMES[0]), studied / "out" / "impala (Aepyceros melampus)"
    copied(studied)
    assert (target / "north_IMG_0001.JPG").samefile(source)
    copied(studied, "--how", "copy")
    assert not (target / "north_IMG_0001.JPG").samefile(source)
    assert (target / "north_IMG_0001.JPG").read_bytes() == source.read_bytes()

    # AND where the disk has no links, it is a copy, which the next run does not make again
    monkeypatch.setattr(os, "link", Mock(side_effect=OSError("no links here")))
    copied(studied, "--by", "station")
    assert {row["how"] for row in rows_of(studied / "out" / "copied.csv")} == {"copy"}
    assert not (studied / "out" / "Water, hole" / "north_IMG_0001.JPG").samefile(source)


def test_a_photo_of_two_species_is_in_both_folders(tmp_path: Path) -> None:
    def kinds_and_names() -> set[tuple[str, str]]:
        return {(row["kind"], row["name"]) for row in rows_of(tmp_path / "out" / "copied.csv")}

    animals = [animal(0.1, IMPALA), animal(0.3, IMPALA), animal(0.6, LION), animal(0.4, MAMMAL)]
    text = answer(IMPALA, 0.9, subject="animal", animals=animals)
    folder = study_of(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", text)])
    found = copied(folder)
    # THEN the box of which only the class is known, which may be either, makes no third one
    assert found == ["impala (Aepyceros melampus)/north_1.jpg", "lion (Panthera leo)/north_1.jpg"]
    # AND the table names each once
    assert kinds_and_names() == {("animal", "impala | lion | mammal")}
    # WHEN a person has seen something else there THEN it has each kind
    with ResultsFile(folder / "study.db", write=True) as results:
        say(results, "N/1.jpg", Observation("human"), Observation("animal", *LION))
    assert len(copied(folder)) == 2
    assert kinds_and_names() == {("human | animal", "person | lion")}


def test_people_are_blurred_left_out_or_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [
        ("N/boxed.JPG", "2026-05-02 06:00:00", answer(None, **person(0.9, 0.2))),
        ("N/unboxed.JPG", "2026-05-02 07:00:00", answer(None, subject="person")),
        ("N/beside.JPG", "2026-05-02 08:00:00", answer(LION, **person(0.9) | {"subject": "animal"})),
        ("N/lion.JPG", "2026-05-02 09:00:00", answer(LION)),
    ]
    folder = study_of(tmp_path, photos)
    found = copied(folder)
    how = {row["path"]: row["how"] for row in rows_of(folder / "out" / "copied.csv")}
    assert list(how.items()) == [*zip((each[0] for each in photos), HOW, strict=True)]
    assert [each for each in found if has_place(folder / "out" / each)] == ["lion (Panthera leo)/north_lion.JPG"]
    said = capsys.readouterr().err
    assert "1 blurred whole, because people have no boxes" in said
    assert "4 photos were identified without --boxes: a person beside an animal is not noticed there" in said
    # AND originals keep their bytes
    original = encoded(noise(64, 48, 0), "JPEG", exif=exif(SYDNEY))
    assert (folder / "Two stations" / "N/boxed.JPG").read_bytes() == original
    # WHEN they are to be left out, what was there goes too
    assert copied(folder, "--people", "skip") == ["lion (Panthera leo)/north_lion.JPG"]
    assert "3 photos are left out, because people are there" in capsys.readouterr().err
    assert len(copied(folder, "--people", "keep")) == len(found)
    assert "without --boxes" not in capsys.readouterr().err
    assert {row["how"] for row in rows_of(folder / "out" / "copied.csv")} == {"link"}


def test_a_link_to_a_person_is_not_left_when_people_are_to_be_blurred(tmp_path: Path) -> None:
    # GIVEN a folder where people were kept, and a photo that another program has written to since, and so to its link
    photos = [(f"N/{number}.JPG", f"2026-05-02 0{number}:00:00", answer(None, **person(0.9))) for number in (1, 2)]
    folder = study_of(tmp_path, photos)
    copied(folder, "--people", "keep")
    with (folder / "Two stations" / "N" / "2.JPG").open("ab") as file:
        file.write(b"a rating")
    found = copied(folder)
    # THEN only blurred photos are there
    assert found == ["person/north_1.JPG", "person/north_2.JPG"]
    assert not any(map(has_place, (folder / "out" / each for each in found)))


def test_a_png_is_blurred_as_a_jpeg_and_a_video_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    somebody = answer(None, **person(0.9))
    shown = {"1.png": somebody, "2.MP4": film(somebody), "3.MP4": film(answer(LION))}
    folder = study_of(tmp_path, [(f"N/{name}", "2026-05-02 06:00:00", text) for name, text in shown.items()])
    assert copied(folder, "--people", "keep") == []
    assert len(rows_of(folder / "out" / "copied.csv")) == 3
    assert copied(folder, "--xmp", "inside") == ["person/north_1.jpg"]
    assert "1 photo is left out, because people are there; 1 video among them" in capsys.readouterr().err
    # THEN the keywords of the other video are beside it, as it is no JPEG
    names = {path.name for path in (folder / "out").rglob("*.*") if path.is_file()}
    assert names == {"north_1.jpg", "north_3.MP4", "north_3.MP4.xmp", "copied.csv"}


def test_gone_photos_are_counted_and_their_copies_stay(studied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = copied(studied)
    for path in NAMES:
        (studied / "Two stations" / path).unlink()
    assert copied(studied) == before
    (studied / "out" / before[0]).unlink()
    assert copied(studied, code=Exit.SOME_FAILED) == before[1:]
    assert "1 missing, because the photo cannot be read any more" in capsys.readouterr().err


def test_a_folder_in_or_of_another_study_is_refused(studied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["copy", str(studied / "study.db"), str(studied / "Two stations" / "sorted")]) == Exit.FAILED
    assert "is in the study's folder" in capsys.readouterr().err
    copied(studied)
    write_study(studied / "other.db", [("X/1.JPG", "2026-05-02 06:00:00", answer(LION))])
    assert run(["copy", str(studied / "other.db"), str(studied / "out")]) == Exit.FAILED
    assert "has the copies of another study" in capsys.readouterr().err


def test_a_place_that_the_user_did_not_name_is_in_no_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study_of(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", answer(LION))], ())
    change(tmp_path, "latitude = -33.87, longitude = 151.21")
    assert copied(tmp_path, "--by", "station,event") == ["N/N 2026-05-02 06.00.00/N_1.jpg"]
    for wrong in ("", "taxon,taxon", "species"):
        copied(tmp_path, "--by", wrong, code=Exit.USAGE)
        assert "expected one or more of taxon, station, event" in capsys.readouterr().err

"""Videos in exports: one row each, with the frame, and times that last."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.exports.camtrap_dp import write_camtrap_dp
from cli.exports.coco import write_coco
from cli.exports.darwin_core import write_dwca
from cli.exports.description import read_description
from cli.exports.flat_csv import write_csv
from cli.exports.megadetector import write_megadetector
from cli.exports.xmp import packet
from cli.results import ResultsFile
from cli.study.opinions import Observation, Opinion
from cli.study.reviews import save
from cli.study.study import Study
from cli.words import rows_of
from tests.support.studies import LION, answer, made_up, write_study
from tests.unit.cli.copy.test_command import animal, person

ABOUT = read_description(None, "")


def film(first: str, *others: str) -> str:
    """The answer for a video of 20 s, of which these are the answers of the best frames."""
    also = [
        {"frame": 30 * number, "seconds": float(number), "answer": json.loads(text)}
        for number, text in enumerate(others, 5)
    ]
    video = {"frame": 60, "seconds": 2.0, "fps": 30.0, "duration": 20.0, "processed": [0, 30, 60, 150], "also": also}
    return json.dumps(json.loads(first) | {"video": video})


LIONS = answer(LION, 0.9, subject="animal", animals=[animal(0.1, LION)])
PHOTOS: list[tuple[str, str | None, Any]] = [
    ("N/1.MP4", "2026-05-02 06:00:00", film(LIONS, answer(None, **person(0.9)))),
    ("N/2.JPG", "2026-05-02 06:01:10", answer(LION)),
    ("N/3.AVI", "2026-05-02 09:00:00", film(answer(None))),
]


def test_the_csv_says_which_frame(tmp_path: Path) -> None:
    with made_up(tmp_path, PHOTOS) as study:
        write_csv(study, tmp_path / "photos.csv")
    first, second, third = rows_of(tmp_path / "photos.csv")[:3]
    assert (first["duration"], first["frame"], first["frame_seconds"]) == ("20.0", "60", "2.0")
    assert (first["event_kind"], second["duration"], third["kind"]) == ("animal | human", "", "blank")


def test_a_video_lasts(tmp_path: Path) -> None:
    with made_up(tmp_path, PHOTOS) as study:
        write_camtrap_dp(study, tmp_path / "package", ABOUT)
    media = {row["mediaID"]: row for row in rows_of(tmp_path / "package" / "media.csv")}
    assert [media[path]["fileMediatype"] for path, *_ in PHOTOS] == ["video/mp4", "image/jpeg", "video/x-msvideo"]
    observations = rows_of(tmp_path / "package" / "observations.csv")
    # THEN the photo 70 s after its beginning, and 50 s after its end, is of the same event
    assert {row["eventID"] for row in observations} == {"N/1.MP4#event", "N/3.AVI#event"}
    last = next(row for row in observations if row["mediaID"] == "N/3.AVI")
    assert (last["eventStart"], last["eventEnd"]) == ("2026-05-02T09:00:00+03:00", "2026-05-02T09:00:20+03:00")
    # AND each observation of the video says when
    said = [row["observationComments"].partition(";")[0] for row in observations if row["mediaID"] == "N/1.MP4"]
    assert said == ["at 2 s of the video (frame 60)", "at 5 s of the video (frame 150)"]


def test_megadetectors_form_has_the_frames(tmp_path: Path) -> None:
    with made_up(tmp_path, [*PHOTOS, ("N/broken.mov", None, None)]) as study:
        write_megadetector(study, tmp_path / "md.json", 0.1)
    images = {each["file"]: each for each in json.loads((tmp_path / "md.json").read_text())["images"]}
    lion = images["N/1.MP4"]
    assert (lion["frame_rate"], lion["frames_processed"]) == (30.0, [0, 30, 60, 150])
    assert [(each["category"], each["frame_number"]) for each in lion["detections"]] == [("1", 60), ("2", 150)]
    assert all("frame_number" in each for each in images["N/3.AVI"]["detections"])
    assert not {"frame_rate", "frames_processed"} & images["N/2.JPG"].keys()
    # AND one that cannot be read has what the format's validator demands
    assert images["N/broken.mov"]["frames_processed"] == []


def test_what_a_person_said_of_a_video_keeps_its_frame(tmp_path: Path) -> None:
    write_study(tmp_path / "study.db", PHOTOS)
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        said = Observation("animal", "lion", "Panthera leo", "species")
        save(results, [1, 3], Opinion("Ada", "2026-06-01T12:00:00+00:00", (said,)))
        write_megadetector(Study(results, 60), tmp_path / "md.json", 0.1)
    images = {each["file"]: each for each in json.loads((tmp_path / "md.json").read_text())["images"]}
    assert [[each["frame_number"] for each in images[path]["detections"]] for path in ("N/1.MP4", "N/3.AVI")] == [
        [60],
        [60],
    ]


def test_coco_has_no_videos_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with made_up(tmp_path, [*PHOTOS, ("N/4.mov", None, None), ("N/5.jpg", None, None)]) as study:
        write_coco(study, tmp_path / "coco.json", ABOUT)
    found = json.loads((tmp_path / "coco.json").read_text())
    assert [(each["id"], each.get("seq_num_frames")) for each in found["images"]] == [("N/2.JPG", 1), ("N/5.jpg", None)]
    assert {each["image_id"] for each in found["annotations"]} == {"N/2.JPG"}
    assert "2 videos are left out" in capsys.readouterr().err


def test_gbif_learns_that_it_moves(tmp_path: Path) -> None:
    from zipfile import ZipFile

    with made_up(tmp_path, PHOTOS) as study:
        write_dwca(study, tmp_path / "dwca.zip", ABOUT)
    with ZipFile(tmp_path / "dwca.zip") as archive:
        media = archive.read("multimedia.csv").decode()
    assert "MovingImage,video/mp4" in media
    assert "StillImage,image/jpeg" in media


def test_the_box_of_a_frame_is_no_region_of_the_video(tmp_path: Path) -> None:
    with made_up(tmp_path, PHOTOS) as study:
        xmp = packet(next(study.photos()))
    assert "<rdf:li>lion</rdf:li>" in xmp
    assert "<rdf:li>person</rdf:li>" in xmp
    assert "RegionList" not in xmp

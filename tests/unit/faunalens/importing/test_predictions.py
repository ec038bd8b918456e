"""Predictions of each program, in the forms that its versions write."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faunalens.errors import CommandError
from faunalens.importing.predictions import Predictions
from tests.stand_ins import BLACK_BEAR, BLANK

FILES = Path(__file__).with_name("predictions")
BOX = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}


def predictions(tmp_path: Path, data: object) -> Predictions:
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(data))
    return Predictions(path)


def test_megadetector_has_boxes_and_classes_whose_names_come_last() -> None:
    # GIVEN a file with a second box that is surer, a faint one, and one of a person
    file = Predictions(FILES / "megadetector.json")
    (said,) = file
    # THEN the surest comes first, each with its classes
    boxes = [(box.kind, box.score, [label.split(";")[6] for label, _ in each]) for box, each in said.frames[-1].boxes]
    names = ["wapiti", "thing", "blank", "no cv result", "american black bear"]
    assert boxes == [("animal", 0.9, []), ("person", 0.6, []), ("animal", 0.5, names)]
    assert file.unknown == ["thing"]  # is of no taxon
    assert (said.path, said.model, said.detector) == ("a\\b.jpg", ("speciesnet", "v4.0.2a"), ("megadetector", "MDV5A"))


def test_a_photo_that_failed_has_a_reason(tmp_path: Path) -> None:
    items: list[dict[str, Any]] = [
        *({"detections": None, "failure": "image access"}, {"failure": "image access"}, {}),
        {"detections": [], "failure": None},
    ]
    failures = [said.failure for said in predictions(tmp_path, [{"file": "a.jpg", **item} for item in items])]
    assert failures == ["image access", "image access", "no detections", ""]


def test_a_bare_list_and_a_video(tmp_path: Path) -> None:
    (photo,) = predictions(tmp_path, [{"file": "a.jpg", "detections": [BOX]}])
    assert photo.model[0] == "megadetector"
    film = {"file": "a.mp4", "frame_rate": 20, "frames_processed": [0, 20], "detections": [{**BOX, "frame_number": 20}]}
    (video,) = predictions(tmp_path, {"images": [film]})
    assert {number: len(found.boxes) for number, found in video.frames.items()} == {0: 0, 20: 1}
    assert video.rate == 20.0


def test_speciesnet_has_classes_of_the_photo_and_what_its_geofence_left() -> None:
    said, *others = Predictions(FILES / "speciesnet.json")
    assert said.frames[-1].whole == ((BLACK_BEAR, 0.8), (BLANK, 0.1))
    assert (said.theirs, said.place) == ({"prediction": BLANK, "country": "USA"}, (32.5, -117.0))
    assert said.model == ("speciesnet", "4.0.2a")
    assert [(each.failure, each.place) for each in others] == [("DETECTOR, CLASSIFIER", None), ("", None)]


def test_pytorch_wildlife_has_corners_in_pixels() -> None:
    (said,) = Predictions(FILES / "pytorch_wildlife.json")
    box, person = (box for box, _ in said.frames[-1].boxes)
    assert (said.pixels, box.x, box.y, box.width, box.height, person.kind) == (True, 10, 20, 30, 40, "person")
    shares = said.in_shares((100, 200))
    assert (shares.pixels, shares.frames[-1].boxes[0][0]) == (False, replace(box, x=0.1, y=0.1, width=0.3, height=0.2))
    (classified,) = Predictions(FILES / "pytorch_wildlife_classified.json")
    (_, none), (_, ((label, score),)) = classified.frames[-1].boxes
    assert (none, label.endswith(";vulpes;vulpes;red fox"), score) == ((), True, 0.7)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[", "3", "{}", '{"images": null}', '{"images": [{}]}', '{"images": ["a"]}', '{"images": [3]}'),
        '{"images": [{"file": "a", "detections": [{"category": "1"}]}]}',
    ],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(CommandError, match=r"a.json (cannot be read|has no list of photos; expected)"):
        list(Predictions(tmp_path / "a.json"))


def test_a_number_that_json_does_not_have_does_not_refuse_the_other_photos(tmp_path: Path) -> None:
    photo = '{"file": "a.jpg", "max_detection_conf": NaN, "detections": [], "filepath": "/data/a.jpg"}'
    (tmp_path / "a.json").write_text(f'{{"images": [{photo}]}}')
    assert [each.path for each in Predictions(tmp_path / "a.json")] == ["a.jpg"]

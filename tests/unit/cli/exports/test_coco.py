"""COCO Camera Traps: what its format demands."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.exports.coco import write_coco
from cli.exports.description import read_description
from tests.support.studies import PHOTOS, made_up


@pytest.fixture
def document(tmp_path: Path) -> dict[str, Any]:
    """The made-up study as COCO."""
    with made_up(tmp_path) as study:
        write_coco(study, tmp_path / "coco.json", read_description(None, "Two"))
    found: dict[str, Any] = json.loads((tmp_path / "coco.json").read_text())
    return found


def test_each_photo_is_an_image_of_a_sequence(document: dict[str, Any]) -> None:
    images = {each["file_name"]: each for each in document["images"]}
    assert len(images) == len(PHOTOS)
    first, second, third = (images[f"N/IMG_000{number}.JPG"] for number in (1, 2, 3))
    assert first["datetime"] == "2026-05-02 06:00:00"
    assert (first["width"], first["height"], first["location"]) == (800, 600, "north")
    assert first["seq_id"] == second["seq_id"] != third["seq_id"]
    assert [(each["frame_num"], each["seq_num_frames"]) for each in (first, second, third)] == [(0, 2), (1, 2), (0, 1)]
    assert images["N/broken.JPG"]["corrupt"] is True
    assert "datetime" not in images["S/card/IMG_0002.JPG"]


def test_each_readable_photo_is_annotated_once(document: dict[str, Any]) -> None:
    names = {each["id"]: each["name"] for each in document["categories"]}
    labels = {each["image_id"]: names[each["category_id"]] for each in document["annotations"]}
    assert names[0] == "empty"
    assert labels == {
        "N/IMG_0001.JPG": "impala",
        "N/IMG_0002.JPG": "antelope,_ox_or_sheep",
        "N/IMG_0003.JPG": "empty",
        "S/card/IMG_0001.JPG": "lion",
        "S/card/IMG_0002.JPG": "impala",
    }
    assert len({each["id"] for each in document["annotations"]}) == len(labels)
    assert all(isinstance(key, int) for key in names)

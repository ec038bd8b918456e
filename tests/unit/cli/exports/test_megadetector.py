"""MegaDetector's batch output: what its format demands, and Timelapse with it."""

import json
from pathlib import Path
from typing import Any

from cli.exports.megadetector import write_megadetector
from tests.support.studies import IMPALA, PHOTOS, answer, made_up


def export(tmp_path: Path, photos: Any = PHOTOS) -> tuple[dict[str, Any], dict[str, Any]]:
    """Export a study: the whole document, and its images by file."""
    with made_up(tmp_path, photos) as study:
        write_megadetector(study, tmp_path / "md.json", 0.2)
    document = json.loads((tmp_path / "md.json").read_text())
    return document, {each["file"]: each for each in document["images"]}


def test_each_photo_is_there_once_with_what_was_found(tmp_path: Path) -> None:
    document, images = export(tmp_path)
    assert len(images) == len(document["images"]) == len(PHOTOS)
    # THEN an animal is one detection of the whole frame, with the probability that there is an animal
    impala = images["N/IMG_0001.JPG"]["detections"][0]
    assert (impala["category"], impala["conf"], impala["bbox"]) == ("1", 0.97, [0.0, 0.0, 1.0, 1.0])
    names = document["classification_categories"]
    assert [(names[key], score) for key, score in impala["classifications"]] == [("impala", 0.9), ("lion", 0.05)]
    assert images["N/IMG_0001.JPG"]["datetime"] == "2026-05-02 06:00:00"
    assert "datetime" not in images["S/card/IMG_0002.JPG"]
    # THEN an empty photo has no detection of some confidence, and one that cannot be read says why
    assert images["N/IMG_0003.JPG"]["detections"] == []
    assert images["N/broken.JPG"] == {"file": "N/broken.JPG", "failure": "it is broken", "detections": None}


def test_a_wider_taxon_is_the_only_class(tmp_path: Path) -> None:
    document, images = export(tmp_path)
    ((key, score),) = images["N/IMG_0002.JPG"]["detections"][0]["classifications"]
    assert (document["classification_categories"][key], score) == ("antelope, ox or sheep", 0.8)
    assert document["classification_category_descriptions"][key].endswith(";bovidae")


def test_the_ids_of_categories_are_whole_numbers_as_text(tmp_path: Path) -> None:
    document, _ = export(tmp_path)
    names, descriptions = document["classification_categories"], document["classification_category_descriptions"]
    assert names.keys() == descriptions.keys()
    assert all(key.isdigit() for key in names)
    assert document["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    assert float(document["info"]["format_version"]) >= 1.3


def test_taxa_of_one_name_are_told_apart(tmp_path: Path) -> None:
    # GIVEN a family and an order that are both called trogon
    taxa = [("trogon", "Trogonidae", "family"), ("trogon", "Trogoniformes", "order"), IMPALA]
    photos = [(f"N/{each[1]}.jpg", "2026-05-02 06:00:00", answer(each)) for each in taxa]
    document, images = export(tmp_path, photos)
    # THEN each is a category of its own, with its own description
    names, descriptions = document["classification_categories"], document["classification_category_descriptions"]
    assert sorted(names.values()) == ["impala", "trogon (Trogonidae)", "trogon (Trogoniformes)"]
    for _, latin, _ in taxa:
        ((key, _),) = images[f"N/{latin}.jpg"]["detections"][0]["classifications"]
        assert descriptions[key].endswith(f";{latin.lower()}")

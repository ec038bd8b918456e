"""What was found, from answers of the API: whole photos, boxes, and photos of other things."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from cli.exports.camtrap_dp import write_camtrap_dp
from cli.exports.coco import write_coco
from cli.exports.darwin_core import write_dwca
from cli.exports.description import read_description
from cli.exports.flat_csv import write_csv
from cli.exports.megadetector import write_megadetector
from cli.report.summary import summary_of
from cli.results import ResultsFile
from cli.study.event import found_in
from cli.study.finding import Finding
from cli.study.opinions import Observation
from cli.study.reviews import precision
from cli.study.study import Study
from cli.study.taxa import ScoredTaxon
from cli.words import rows_of
from tests.support.studies import BOVIDS, DEER, IMPALA, LION, MAMMAL, answer, say, seen, write_study


def box(x: float, score: float = 0.9) -> dict[str, float]:
    return {"x": x, "y": 0.2, "width": 0.25, "height": 0.5, "score": score}


def animal(x: float, who: tuple[str, str, str] | None, score: float = 0.9) -> dict[str, Any]:
    inside = json.loads(answer(who, 0.8))
    return {"box": box(x, score), "prediction": inside["prediction"], "candidates": inside["candidates"]}


def people(*boxes: dict[str, float]) -> dict[str, Any]:
    return {"count": len(boxes), "boxes": boxes}


def study(tmp_path: Path, text: str) -> Path:
    write_study(tmp_path / "study.db", [("N/1.jpg", "2026-05-02 06:00:00", text)])
    return tmp_path / "study.db"


def finding(tmp_path: Path, text: str) -> Finding:
    with ResultsFile(study(tmp_path, text), write=False) as results:
        return next(Study(results, 60).photos()).finding


@pytest.mark.parametrize(
    ("text", "kind", "named"),
    [
        (answer(IMPALA), "animal", "Aepyceros melampus"),
        (answer(None), "blank", None),
        (answer(None, subject="none"), "blank", None),
        (answer(None, subject="unclear"), "unknown", None),
        (answer(None, subject="person"), "human", None),
        (answer(None, subject="vehicle"), "vehicle", None),
        (answer(None, subject="animal"), "animal", "Animalia"),
    ],
)
def test_a_photo_shows_what_its_subject_says(tmp_path: Path, text: str, kind: str, named: str | None) -> None:
    found = finding(tmp_path, text)
    assert (found.kind, found.named and found.named.scientific_name) == (kind, named)
    assert found.each == (found,)


@pytest.mark.parametrize(("more", "probability"), [({}, 0.5), ({"people": people(box(0.7, 0.6), box(0.1, 0.8))}, 0.8)])
def test_a_person_is_as_sure_as_the_surest_box(tmp_path: Path, more: dict[str, Any], probability: float) -> None:
    # THEN the probability of an animal, which is low here, has no part in it
    assert finding(tmp_path, answer(None, subject="person", **more)).probability == probability


def test_each_box_is_a_part(tmp_path: Path) -> None:
    # GIVEN an impala, an animal that cannot be named, a person, and a box of which the detector is not sure
    animals = [animal(0.1, IMPALA), animal(0.4, None), animal(0.6, LION, 0.3)]
    found = finding(tmp_path, answer(IMPALA, subject="animal", animals=animals, people=people(box(0.7))))
    shown = [(part.kind, part.named and part.named.scientific_name, part.box and part.box.x) for part in found.each]
    assert shown == [("animal", "Aepyceros melampus", 0.1), ("animal", "Animalia", 0.4), ("human", None, 0.7)]
    assert found.shows_people


def test_an_animal_without_a_box_is_the_whole_photo(tmp_path: Path) -> None:
    found = finding(tmp_path, answer(IMPALA, subject="animal", animals=[], people=people(box(0.7))))
    assert [(part.kind, part.box is None) for part in found.each] == [("animal", True), ("human", False)]


def unsure(named: tuple[str, str, str] | None = MAMMAL) -> str:
    """An answer that is too wide, with what it perhaps is."""
    perhaps = [dict(zip(("name", "scientific_name", "rank"), DEER, strict=True)) | {"score": 0.6, "members": []}]
    return answer(named, subject="animal", candidates=[(IMPALA, 0.2)], perhaps=perhaps)


@pytest.mark.parametrize("named", [MAMMAL, None])
def test_what_a_wide_answer_perhaps_is_goes_to_all_who_have_a_place_for_it(
    tmp_path: Path, named: tuple[str, str, str] | None
) -> None:
    # GIVEN a mammal, or some animal, that is perhaps a deer WHEN it is exported
    with ResultsFile(study(tmp_path, unsure(named)), write=True) as results:
        write_csv(Study(results, 60), tmp_path / "photos.csv")
        write_camtrap_dp(Study(results, 60), tmp_path, read_description(None, ""))
        write_dwca(Study(results, 60), tmp_path / "dwca.zip", read_description(None, ""))
        # THEN the name is the wide one, and the deer stands beside it
        ((row,), (of_photo, of_event)) = rows_of(tmp_path / "photos.csv"), rows_of(tmp_path / "observations.csv")
        wide = named[1] if named else "Animalia"
        assert (row["scientific_name"], row["perhaps"], row["perhaps_scientific"]) == (wide, "deer", "Cervidae")
        assert {of_photo["scientificName"], of_event["scientificName"]} == {wide}
        assert (
            "; perhaps: deer (Cervidae); candidates: impala (Aepyceros melampus) 0.20"
            in of_event["observationComments"]
        )
        with ZipFile(tmp_path / "dwca.zip") as archive:
            assert (
                "with probability 0.90; perhaps: deer (Cervidae)" in archive.read("occurrence.csv").decode()
                or not named
            )
        # AND a report counts it
        assert summary_of(Study(results, 60)).groups[wide].perhaps == {"deer": 1}
        # AND WHEN a person says that it is one, whom no model knows THEN the wide name was right
        say(results, "N/1.jpg", seen("Cervidae"), drawn=True)
        found = next(Study(results, 60).photos()).finding
        assert (found.named, found.perhaps) == (ScoredTaxon(*DEER, 1.0), ())
        assert [(each.taxon, each.share) for each in precision(results, drawn=True)] == [(wide, 1.0)]


def test_an_event_that_is_named_is_nothing_perhaps(tmp_path: Path) -> None:
    for name in ("wide", "sure"):
        (tmp_path / name).mkdir()
    wide, sure = finding(tmp_path / "wide", unsure()), finding(tmp_path / "sure", answer(IMPALA, 0.95))
    assert found_in([wide, wide])[0].perhaps == wide.perhaps
    assert found_in([wide, sure])[0].perhaps == ()


@pytest.mark.parametrize(
    ("kept", "sure"),
    [("very sure", "almost certain"), ("fairly sure", "likely"), ("perhaps", "perhaps"), (None, "")],
)
def test_answers_of_earlier_releases_are_read(tmp_path: Path, kept: str | None, sure: str) -> None:
    # GIVEN an answer with another word for how sure it is, or none, and without what it perhaps is
    text = json.loads(answer(IMPALA))
    text["prediction"] |= {"sure": kept} if kept else {}
    found = finding(tmp_path, json.dumps(text))
    assert (found.named and found.named.sure, found.perhaps) == (sure, ())


def test_packs_and_their_versions_are_named(tmp_path: Path) -> None:
    model = {"name": "tiny", "version": "1", "packs": [{"name": "birds", "version": "2"}]}
    assert finding(tmp_path, answer(IMPALA, model=model)).by == "tiny 1; birds 2"


@pytest.mark.parametrize("subject", ["unclear", "animal"])
def test_an_animal_without_a_name_is_no_empty_photo(tmp_path: Path, subject: str) -> None:
    # GIVEN a photo that shows an animal, or perhaps one, which cannot be named
    text = answer(None, subject=subject, animal_probability=0.4)
    with ResultsFile(study(tmp_path, text), write=True) as results:
        for each in (write_camtrap_dp, write_coco):
            each(Study(results, 60), tmp_path / each.__name__, read_description(None, ""))
        write_megadetector(Study(results, 60), tmp_path / "md.json", 0.1)
        kinds = {row["observationType"] for row in rows_of(tmp_path / "write_camtrap_dp" / "observations.csv")}
        # THEN it is one to look at: MegaDetector's form has a detection, and COCO has no label for it
        assert kinds == {"unknown" if subject == "unclear" else "animal"}
        assert detections(tmp_path) == [("1", 0.4, 0.0)]
        assert json.loads((tmp_path / "write_coco").read_text())["annotations"] == []
        # AND WHEN a person cannot say either THEN that stays
        say(results, "N/1.jpg", Observation("unknown"))
        write_megadetector(Study(results, 60), tmp_path / "md.json", 0.1)
        assert detections(tmp_path) == [("1", 0.4, 0.0)]
        # AND WHEN a person types a name of their own THEN that is its label
        say(results, "N/1.jpg", Observation("animal", "the three-legged one"))
        write_coco(Study(results, 60), tmp_path / "coco.json", read_description(None, ""))
        labels = [each["name"] for each in json.loads((tmp_path / "coco.json").read_text())["categories"]]
        assert labels == ["empty", "the_three-legged_one"]
        # AND WHEN a person sees that nothing is there THEN nothing is
        say(results, "N/1.jpg", Observation("blank"))
        write_megadetector(Study(results, 60), tmp_path / "md.json", 0.1)
        assert detections(tmp_path) == []


def detections(folder: Path) -> list[tuple[str, float, float]]:
    """Category, confidence and left side of each detection of the only image."""
    (image,) = json.loads((folder / "md.json").read_text())["images"]
    found = [(each["category"], each["conf"], each["bbox"][0]) for each in image["detections"]]
    assert image["max_detection_conf"] == max((confidence for _, confidence, _ in found), default=0.0)
    return found


def test_faint_detections_are_written_down_to_the_least_confidence(tmp_path: Path) -> None:
    # GIVEN a photo that is said to be empty, with boxes of which the detector is not sure
    animals = [animal(0.1, IMPALA, 0.3), animal(0.2, None, 0.15), animal(0.3, None, 0.05)]
    text = answer(None, subject="none", animals=animals, people=people(box(0.7, 0.2)))
    for least, expected in {
        0.1: [("1", 0.3, 0.1), ("1", 0.15, 0.2), ("2", 0.2, 0.7)],
        0.2: [("1", 0.3, 0.1), ("2", 0.2, 0.7)],
    }.items():
        with ResultsFile(study(tmp_path, text), write=False) as results:
            write_megadetector(Study(results, 60), tmp_path / "md.json", least)
        assert detections(tmp_path) == expected
    # THEN nothing else takes them for animals
    assert finding(tmp_path, text).kind == "blank"


def test_all_exports_have_the_boxes(tmp_path: Path) -> None:
    # GIVEN a photo of two animals and a person
    animals = [animal(0.1, IMPALA), animal(0.5, LION)]
    text = answer(IMPALA, subject="animal", animals=animals, people=people(box(0.7)))
    about = read_description(None, "")
    with ResultsFile(study(tmp_path, text), write=False) as results:
        photos = Study(results, 60)
        write_camtrap_dp(photos, tmp_path, about)
        write_megadetector(photos, tmp_path / "md.json", 0.1)
        write_coco(photos, tmp_path / "coco.json", about)
        write_dwca(photos, tmp_path / "dwca.zip", about)
    # THEN each box is an observation of the photo, and the event has one of each taxon and kind without a box
    rows = rows_of(tmp_path / "observations.csv")
    assert [(row["observationType"], row["scientificName"], row["bboxX"], row["count"]) for row in rows] == [
        ("animal", "Aepyceros melampus", "0.1", "1"),
        ("animal", "Panthera leo", "0.5", "1"),
        ("human", "", "0.7", "1"),
        ("animal", "Aepyceros melampus", "", "1"),
        ("animal", "Panthera leo", "", "1"),
        ("human", "", "", "1"),
    ]
    assert len({row["observationID"] for row in rows}) == len(rows)
    # THEN each is a detection, and an annotation
    (image,) = json.loads((tmp_path / "md.json").read_text())["images"]
    assert [(each["category"], each["bbox"][0]) for each in image["detections"]] == [("1", 0.1), ("1", 0.5), ("2", 0.7)]
    annotations = json.loads((tmp_path / "coco.json").read_text())["annotations"]
    assert [each["bbox_relative"][0] for each in annotations] == [0.1, 0.5, 0.7]


def other(who: tuple[str, str, str] | None, kind: str = "animal", **more: Any) -> dict[str, Any]:
    named = dict(zip(("name", "scientific_name", "rank"), who, strict=True)) if who else {}
    return {"by": "speciesnet 4", "kind": kind, "score": 0.5, **named, **more}


@pytest.mark.parametrize(
    ("said", "differing"),
    [
        (other(IMPALA), ""),
        (other(BOVIDS), ""),  # a family that includes it
        (other(LION), "speciesnet 4: lion 0.50"),
        (other(None, "blank"), "speciesnet 4: blank 0.50"),
        (
            other(BOVIDS, geofence={"country": "KEN", "taxon": "impala", "excludes": True}),
            "speciesnet 4: antelope, ox or sheep 0.50 (its geofence excludes impala in KEN)",
        ),
        (
            other(IMPALA, geofence={"country": "KEN", "taxon": "impala", "excludes": False}),
            "speciesnet 4: impala 0.50 (its geofence allows impala in KEN)",
        ),
    ],
)
def test_other_models_differ_by_kind_by_taxon_or_by_place(tmp_path: Path, said: dict[str, Any], differing: str) -> None:
    # GIVEN an answer with what another model said WHEN it is exported THEN the row says where that differs
    results = study(tmp_path, answer(IMPALA, others=[said]))
    with ResultsFile(results, write=False) as kept:
        write_csv(Study(kept, 60), tmp_path / "out.csv")
    (row,) = rows_of(tmp_path / "out.csv")
    assert row["differs"] == differing

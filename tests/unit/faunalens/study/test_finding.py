"""What was found, from answers of the API. What a photo, a box or a video shows is in tests/golden/study/."""

import json
from pathlib import Path
from typing import Any

import pytest

from faunalens.exports.megadetector import write_megadetector
from faunalens.study.event import found_in
from faunalens.study.finding import Finding, of_answer
from faunalens.study.results import ResultsFile
from faunalens.study.reviews import precision
from faunalens.study.study import Study
from faunalens.tables.summary import summary_of
from faunalens.taxa.taxa import ScoredTaxon
from tests.support.studies import (
    BOVIDS,
    DEER,
    IMPALA,
    LION,
    MAMMAL,
    animal,
    answer,
    box,
    boxes,
    made_up,
    say,
    seen,
    taxon,
)


def finding(text: str) -> Finding:
    return of_answer(json.loads(text), "2026-05-02T00:00:00+00:00")


def test_what_a_wide_answer_perhaps_is_counts_beside_it(tmp_path: Path) -> None:
    # GIVEN a mammal that is perhaps a deer
    wide = answer(MAMMAL, subject="animal", perhaps=[taxon(DEER, score=0.6, members=[])])
    with made_up(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", wide)]):
        pass
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        # THEN a report counts it
        assert summary_of(Study(results, 60)).groups["Mammalia"].perhaps == {"deer": 1}
        # AND WHEN a person says that it is one, whom no model knows THEN the wide name was right
        say(results, "N/1.jpg", seen("Cervidae"), drawn=True)
        found = next(Study(results, 60).photos()).finding
        assert (found.named, found.perhaps) == (ScoredTaxon(*DEER, 1.0), ())
        assert [(each.taxon, each.share) for each in precision(results, drawn=True)] == [("Mammalia", 1.0)]
    # THEN an event that another photo names is nothing perhaps
    assert found_in([finding(wide)] * 2)[0].perhaps == finding(wide).perhaps
    assert found_in([finding(wide), finding(answer(IMPALA, 0.95))])[0].perhaps == ()


@pytest.mark.parametrize(
    ("kept", "sure"), [("very sure", "almost certain"), ("fairly sure", "likely"), ("perhaps", "perhaps"), (None, "")]
)
def test_answers_of_earlier_releases_are_read(kept: str | None, sure: str) -> None:
    # GIVEN an answer with another word for how sure it is, or none, and without what it perhaps is
    text = json.loads(answer(IMPALA))
    text["prediction"] |= {"sure": kept} if kept else {}
    found = finding(json.dumps(text))
    assert (found.named and found.named.sure, found.perhaps) == (sure, ())


def test_faint_detections_are_written_down_to_the_least_confidence(tmp_path: Path) -> None:
    # GIVEN a photo that is said to be empty, with boxes of which the detector is not sure
    animals = [animal(0.1, IMPALA, 0.3), animal(0.2, None, 0.15), animal(0.3, None, 0.05)]
    text = answer(None, subject="none", animals=animals, people=boxes(box(0.7, 0.2)))
    expected = {0.1: [("1", 0.3, 0.1), ("1", 0.15, 0.2), ("2", 0.2, 0.7)], 0.2: [("1", 0.3, 0.1), ("2", 0.2, 0.7)]}
    with made_up(tmp_path, [("N/1.jpg", "2026-05-02 06:00:00", text)]) as study:
        for least, written in expected.items():
            write_megadetector(study, tmp_path / "md.json", least)
            (image,) = json.loads((tmp_path / "md.json").read_text())["images"]
            assert [(each["category"], each["conf"], each["bbox"][0]) for each in image["detections"]] == written
            assert image["max_detection_conf"] == 0.3
    # THEN nothing else takes them for animals
    assert finding(text).kind == "blank"


def other(who: tuple[str, str, str] | None, kind: str = "animal", **more: Any) -> dict[str, Any]:
    return {"by": "speciesnet 4", "kind": kind, "score": 0.5, **(taxon(who) if who else {}), **more}


FENCE = {"country": "KEN", "taxon": "impala", "excludes": True}


@pytest.mark.parametrize(
    ("said", "differing"),
    [
        (other(IMPALA), ""),
        (other(BOVIDS), ""),  # a family that includes it
        (other(LION), "lion 0.50"),
        (other(None, "blank"), "blank 0.50"),
        (other(BOVIDS, geofence=FENCE), "antelope, ox or sheep 0.50 (its geofence excludes impala in KEN)"),
        (other(IMPALA, geofence=FENCE | {"excludes": False}), "impala 0.50 (its geofence allows impala in KEN)"),
    ],
)
def test_other_models_differ_by_kind_by_taxon_or_by_place(said: dict[str, Any], differing: str) -> None:
    found = [*map(str, finding(answer(IMPALA, others=[said])).differing)]
    assert found == ([f"speciesnet 4: {differing}"] if differing else [])

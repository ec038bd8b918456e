"""`faunalens import` of predictions as a process: a study begun by them, reviewed and exported with their names."""

import json
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from sqlite3 import connect
from typing import Any

import pytest

from tests.stand_ins import BLACK_BEAR, BLANK, KIT_FOX, PANDA, detection

type Run = Callable[..., subprocess.CompletedProcess[str]]
SAN_DIEGO = ("--lat", "32.57", "--lon", "-116.98")


def answers_in(results: Path) -> dict[str, Any]:
    with closing(connect(results)) as connection:
        rows = connection.execute("select path, answer from photo where answer is not null").fetchall()
    return {path: json.loads(answer) for path, answer in rows}


def species(path: str, classes: dict[str, float], boxes: list[Any], **more: Any) -> dict[str, Any]:
    said = {"classes": list(classes), "scores": list(classes.values())}
    about = {"country": "USA", "prediction": next(iter(classes)), "model_version": "4.0.2a"}
    return {"filepath": path, "classifications": said, "detections": boxes, **about, **more}


@pytest.fixture
def speciesnet(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.json"
    rows = [
        species("C:\\card\\N\\IMG_0001.JPG", {BLACK_BEAR: 0.9, BLANK: 0.05}, [detection("1", 0.9)]),
        species("N/IMG_0002.JPG", {BLACK_BEAR: 0.5, PANDA: 0.45}, [detection("1", 0.9)]),
        species("N/IMG_0003.JPG", {KIT_FOX: 0.9}, [detection("1", 0.9)], prediction_source="classifier+geofence+x"),
        species("N/IMG_0004.JPG", {PANDA: 0.9}, [detection("1", 0.9)]),
        species("N/IMG_0005.JPG", {BLANK: 0.98}, []),
        species("N/gone.JPG", {BLANK: 0.98}, []),
        {"filepath": "N/IMG_0006.JPG", "failures": ["DETECTOR", "CLASSIFIER"]},
    ]
    path.write_text(json.dumps({"predictions": rows}))
    return path


def test_speciesnets_predictions_become_a_study(run: Run, tmp_path: Path, card: Path, speciesnet: Path) -> None:
    # WHEN predictions are imported into a new results file, twice
    results = tmp_path / "study.db"
    command = ("import", results, speciesnet, "--root", card, *SAN_DIEGO)
    done = [run(*command) for _ in range(2)]
    # THEN scores are weighed by the place
    assert [each.returncode for each in done] == [3, 3], done[0].stderr
    answers = answers_in(results)
    bear, doubtful, *_, blank = (answers[f"N/IMG_000{number}.JPG"] for number in range(1, 6))
    assert bear["prediction"]["scientific_name"] == "Ursus americanus"
    assert bear["model"] == {"name": "speciesnet", "version": "4.0.2a", "packs": []}
    assert bear["theirs"] == {"prediction": BLACK_BEAR, "country": "USA"}
    assert [each["scientific_name"] for each in doubtful["candidates"]][:1] == ["Ursus americanus"]
    assert doubtful["animals"][0]["box"]["score"] == 0.9
    assert (blank["subject"], blank["prediction"]) == ("none", None)
    # THEN what is missing, failed, or differs is said
    said = done[0].stderr
    assert "5 photos have answers of the file now; 55 are left to `faunalens identify`" in said
    assert "1 photos could not be read by the other program: DETECTOR, CLASSIFIER (1)" in said
    assert "1 photos were excluded by SpeciesNet's geofence, and live there by our ranges: kit fox in USA (1)" in said
    assert "1 photos passed SpeciesNet's geofence, and do not live there by our ranges: giant panda in USA (1)" in said
    assert "1 of 7 photos of the file are not in the study, or may be several:\n  N/gone.JPG" in said
    # THEN the study is one as any other
    assert "5 by speciesnet 4.0.2a with boxes" in run("status", results).stdout
    export = tmp_path / "out.csv"
    assert run("export", results, "--csv", export).returncode == 0
    assert "speciesnet 4.0.2a" in export.read_text(encoding="utf-8")


def test_megadetectors_boxes_have_no_names(run: Run, tmp_path: Path, card: Path) -> None:
    # GIVEN boxes of MegaDetector for an animal and a person, and those of PyTorch-Wildlife in pixels
    boxes = tmp_path / "boxes.json"
    found = [detection("1", 0.9), detection("2", 0.3, 0.7, 0.1, 0.2, 0.6)]
    boxes.write_text(
        json.dumps({"images": [{"file": "S/IMG_0001.JPG", "detections": found}], "info": {"detector": "A"}})
    )
    wild = tmp_path / "wild.json"
    annotation = {"img_id": "S/IMG_0002.JPG", "bbox": [[32, 24, 160, 120]], "category": [0], "confidence": [0.9]}
    wild.write_text(json.dumps({"annotations": [annotation], "categories": {"0": "animal"}}))
    # WHEN they are imported without a place
    results = tmp_path / "study.db"
    assert "say with --root" in run("import", results, boxes).stderr
    first, second = run("import", results, boxes, "--root", card), run("import", results, wild)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    # THEN photos show an animal without a name
    assert "1 have no place" in first.stderr
    answers = answers_in(results)
    answer, other = answers["S/IMG_0001.JPG"], answers["S/IMG_0002.JPG"]
    assert (answer["subject"], answer["prediction"], answer["candidates"]) == ("animal", None, [])
    assert (answer["people"]["count"], answer["model"]["version"]) == (1, "A")
    assert other["animals"][0]["box"] == {"x": 0.1, "y": 0.1, "width": 0.4, "height": 0.4, "score": 0.9}

"""`faunalens import` of predictions: a study begun by them, reviewed and exported with their names."""

import json
from pathlib import Path
from typing import Any

from faunalens.words import rows_of
from tests.integration.faunalens.cli.conftest import Run, photos_in
from tests.support.pictures import exif, jpeg

SPECIESNET = Path(__file__).with_name("speciesnet.json")
"""SpeciesNet's file, with a box in all photos that are not blank. Its geofence refused the kit fox."""
SAN_DIEGO = ("--lat", "32.57", "--lon", "-116.98")


def answers_in(results: Path) -> dict[str, Any]:
    return {path: json.loads(row["answer"]) for path, row in photos_in(results).items() if row["answer"]}


def test_speciesnets_predictions_become_a_study(here: Run, tmp_path: Path, card: Path) -> None:
    # WHEN predictions are imported into a new results file, twice
    results = tmp_path / "study.db"
    command = ("import", results, SPECIESNET, "--root", card, *SAN_DIEGO)
    done = [here(*command) for _ in range(2)]
    # THEN scores are weighed by the place
    assert [each.returncode for each in done] == [3, 3], done[0].stderr
    answers = answers_in(results)
    bear, doubtful, *_, blank = (answers[f"N/IMG_000{number}.JPG"] for number in range(1, 6))
    assert bear["model"] == {"name": "speciesnet", "version": "4.0.2a", "packs": []}
    bears = (bear["prediction"], *bear["others"], doubtful["candidates"][0])
    assert [each["scientific_name"] for each in bears] == ["Ursus americanus"] * 3
    assert (bear["others"][0]["by"], doubtful["animals"][0]["box"]["score"]) == ("speciesnet 4.0.2a", 0.9)
    assert (blank["subject"], blank["prediction"]) == ("none", None)
    # THEN what is missing, failed, or differs is said
    for said in (
        "5 photos have answers from the file now; 55 left for `faunalens identify`",
        "1 photo without a model's answer in the file: DETECTOR, CLASSIFIER (1)",
        "1 photo of animals that SpeciesNet's geofence excludes, but that live there by our ranges: kit fox in USA (1)",
        "1 photo of animals that SpeciesNet's geofence allows, but that do not live there by our ranges: giant panda",
        "1 photo in the file: not found in the study, or could be one of several there:\n  N/gone.JPG",
    ):
        assert said in done[0].stderr
    # THEN the study is one as any other
    assert "5 by speciesnet 4.0.2a with boxes" in here("status", results).stdout
    assert here("export", results, "--csv", tmp_path / "out.csv").returncode == 0
    rows = {row["path"]: row for row in rows_of(tmp_path / "out.csv")}
    assert rows["N/IMG_0001.JPG"]["classified_by"] == "speciesnet 4.0.2a"
    assert "(its geofence excludes kit fox in USA)" in rows["N/IMG_0003.JPG"]["differs"]


def test_our_models_name_what_is_in_the_boxes(here: Run, tmp_path: Path, card: Path) -> None:
    # WHEN predictions are imported with our names, and with both
    ours, both = tmp_path / "ours.db", tmp_path / "both.db"
    for results in (ours, both):
        done = here("import", results, SPECIESNET, "--root", card, *SAN_DIEGO, "--names", results.stem)
        assert done.returncode == 3, done.stderr
    mine, theirs = (answers_in(each)["N/IMG_0001.JPG"] for each in (ours, both))
    # THEN our models have looked at their boxes
    assert mine["model"]["name"] == "faunalens-efficientnet-lite2"
    assert {"name": "speciesnet", "version": "4.0.2a", "milliseconds": 0.0} in mine["model"]["packs"]
    assert [each["box"]["score"] for each in mine["animals"]] == [0.9]
    # THEN each has the others' names beside its own
    assert [each["by"].split()[0] for each in mine["others"]] == ["speciesnet"]
    assert theirs["prediction"]["scientific_name"] == "Ursus americanus"
    assert [each["by"].split()[0] for each in theirs["others"]] == ["speciesnet", "faunalens-efficientnet-lite2"]


def test_the_time_of_a_photo_decides_where_a_moved_camera_stood(here: Run, tmp_path: Path) -> None:
    # GIVEN two photos of a camera that moved from San Diego to Sydney and kept its folder
    (tmp_path / "card" / "N").mkdir(parents=True)
    for number, day in enumerate((2, 8), 1):
        photo = jpeg(exif=exif(taken=f"2026:05:0{day} 12:00:00"))
        (tmp_path / "card" / "N" / f"IMG_000{number}.JPG").write_bytes(photo)
    columns = "deploymentID,folder,latitude,longitude,deploymentStart,deploymentEnd,timezone"
    stations = ("a,N,32.57,-116.98,2026-05-01,2026-05-05,UTC", "b,N,-33.9,151.2,2026-05-06,2026-05-09,UTC")
    (table := tmp_path / "deployments.csv").write_text("\n".join((columns, *stations)))
    # WHEN predictions are imported THEN each is weighed by its own place at once, and none is left
    results = tmp_path / "study.db"
    done = here("import", results, SPECIESNET, "--root", tmp_path / "card", "--deployments", table)
    assert "2 photos have answers from the file now; 0 left" in done.stderr
    bears = [answers_in(results)[f"N/IMG_000{number}.JPG"]["candidates"][0]["here"] for number in (1, 2)]
    assert bears == ["native", "unexpected"]


def test_a_study_may_begin_with_labels(here: Run, tmp_path: Path, card: Path) -> None:
    # GIVEN a card that no run has seen, and what a person saw on two of its photos
    labels, results = tmp_path / "labels.csv", tmp_path / "study.db"
    labels.write_text("File,RelativePath,Species\nIMG_0001.JPG,N,red fox\nIMG_0002.JPG,N,empty\n")
    # WHEN the labels are imported THEN the photos are a study, with their times
    assert "say with --root in which folder" in here("import", results, labels).stderr
    done = here("import", results, labels, "--root", card, "--reviewer", "A. Person", *SAN_DIEGO)
    assert (done.returncode, "2 photos have labels now" in done.stderr) == (0, True), done.stderr
    assert here("export", results, "--csv", tmp_path / "out.csv").returncode == 0
    said = [[row[name] for name in ("name", "kind", "latitude")] for row in rows_of(tmp_path / "out.csv")]
    assert said == [["red fox", "animal", "32.57"], ["", "blank", "32.57"]]
    # THEN no model is right or wrong about them, and all photos are left to identify
    assert "no photo has been reviewed" in here("review", results, "--precision").stderr
    status = json.loads(here("status", results, "--json").stdout)
    assert (status["done"], status["models"]) == (0, {})

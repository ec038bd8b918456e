"""`faunalens identify` as a process: places, changes, faults and exit codes, with the real model."""

import json
import os
import shutil
from csv import DictWriter
from pathlib import Path
from sqlite3 import Row

import pytest

from tests.integration.faunalens.cli.conftest import Run, photos_in
from tests.support.pictures import SYDNEY, encoded, exif, noise
from tests.support.studies import STATIONS


def mode_of(row: Row) -> str:
    return str(json.loads(row["answer"])["features"]["mode"])


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Photos of two stations, one with GPS of its own, one broken, one of no station."""
    photo = encoded(noise(320, 240), "JPEG")
    for name, data in {
        "N/a.jpg": photo,
        "S/card/a.jpg": encoded(noise(320, 240, seed=8), "JPEG", exif=exif(SYDNEY)),
        "N/broken.jpg": photo[:200],
        "elsewhere.jpg": photo,
    }.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    with (tmp_path / "deployments.csv").open("w") as file:
        table = DictWriter(file, STATIONS[0])
        table.writeheader()
        table.writerows(STATIONS)
    return tmp_path


def test_each_photo_has_the_place_of_its_deployment(run: Run, study: Path) -> None:
    # WHEN a study is identified with its deployments
    results = study / "study.db"
    done = run("identify", study / "photos", "--deployments", study / "deployments.csv", "--results", results)
    # THEN the code and the summary tell of the photos without an answer
    assert done.returncode == 3, done.stderr
    assert "1 photo is in no deployment's folder" in done.stderr
    assert "N/broken.jpg: " in done.stderr
    rows = photos_in(results)
    north, south = rows["N/a.jpg"], rows["S/card/a.jpg"]
    assert (north["latitude"], north["deployment"], mode_of(north)) == (-1.2345, "north", "narrowed")
    assert (south["latitude"], south["deployment"]) == (-33.9, "south")
    assert (rows["N/broken.jpg"]["state"], rows["N/broken.jpg"]["code"]) == ("unreadable", "photo_unreadable")
    # THEN a photo without a place fails, and is done once it has one
    assert (rows["elsewhere.jpg"]["state"], rows["elsewhere.jpg"]["code"]) == ("failed", "location_missing")
    assert run("identify", study / "photos", "--results", results, "--no-location").returncode == 3
    again = photos_in(results)
    assert mode_of(again["elsewhere.jpg"]) == "no_location"
    assert again["N/a.jpg"]["identified"] == north["identified"]


def test_a_card_that_was_renamed_copied_and_deleted(here: Run, run: Run, study: Path) -> None:
    # GIVEN a study of two photos
    photos, results = study / "photos", study / "study.db"
    (photos / "N" / "broken.jpg").unlink()
    (photos / "elsewhere.jpg").unlink()
    identify = ("identify", photos, "--results", results, "--no-location")
    assert here(*identify).returncode == 0
    # WHEN a folder has another name, and is copied THEN only the copy is looked at, and counts once
    (photos / "N").rename(photos / "North")
    shutil.copytree(photos / "North", photos / "North again")
    said = here(*identify).stderr
    assert "3 photos: 3 with an answer (1 looked at" in said
    assert "1 copy of other photos of a deployment: not counted" in said
    exported = here("export", results, "--csv", study / "photos.csv")
    assert (exported.returncode, "2 photos have no time: each is an event of its own" in exported.stderr) == (0, True)
    assert here("export", results, "--csv", study / "photos.csv", "--file-times").stderr == ""
    assert len((study / "photos.csv").read_text().splitlines()) == 3
    # WHEN a folder is deleted THEN it is known, and taken out if that is wanted
    shutil.rmtree(photos / "S")
    facts = json.loads(here("status", results, "--json").stdout)
    assert (facts["copies"], facts["gone"], facts["untimed"]) == (1, 1, 2)
    said = here("status", results).stdout
    assert "check       1 photo is gone from the folder; see `faunalens prune`\n" in said
    assert run("prune", results).returncode == 130
    done = here("prune", results, "--yes")
    assert (done.returncode, done.stdout) == (0, "  S/card/a.jpg\n1 photo was taken out; 2 left\n")
    assert list(photos_in(results)) == ["North/a.jpg", "North again/a.jpg"]
    # WHEN all are gone THEN the disk is more likely not there
    shutil.rmtree(photos / "North")
    shutil.rmtree(photos / "North again")
    refused = here("prune", results, "--yes")
    assert (refused.returncode, "is its disk connected?" in refused.stderr) == (1, True)


def test_one_photo_is_answered_in_words_and_as_json(here: Run, study: Path) -> None:
    photo = study / "photos" / "S" / "card" / "a.jpg"
    line = json.loads(here("identify", photo, "--json", "--top", "2").stdout)
    words = here("identify", photo)  # the first run may say that it computes what lives where
    assert words.returncode == 0
    # THEN nothing is said beside the answer, except for progress if it takes two seconds
    assert [line for line in words.stderr.splitlines() if "identifying:" not in line] == []
    assert words.stdout.startswith("a.jpg: ")
    assert (line["path"], line["error"], line["answer"]["location"]["source"]) == ("a.jpg", None, "exif")
    assert len(line["answer"]["candidates"]) <= 2
    assert line["answer"]["message"] in words.stdout
    failed = here("identify", study / "photos" / "elsewhere.jpg", "--json")
    assert failed.returncode == 3
    assert json.loads(failed.stdout)["error"]["code"] == "location_missing"


def test_names_that_no_results_file_can_hold_are_said(here: Run, study: Path) -> None:
    # GIVEN a link to nothing, and a photo whose name is Latin-1
    (study / "photos" / "gone.jpg").symlink_to("nowhere.jpg")
    strange = Path(os.fsdecode(os.fsencode(study / "photos") + b"/M\xfcller"))
    shutil.copytree(study / "photos" / "N", strange)
    # THEN the others are identified
    done = here("identify", study / "photos", "--results", study / "study.db", "--no-location")
    assert "1 photo is left out: a link to nothing" in done.stderr
    assert "2 photos are left out, because the name is not UTF-8" in done.stderr
    assert len(photos_in(study / "study.db")) == 4
    # THEN a folder with such a name is an error
    refused = here("identify", strange, "--results", study / "other.db", "--no-location")
    assert (refused.returncode, "is not UTF-8; rename it" in refused.stderr) == (1, True)


def test_no_place_by_empty_tags_and_no_answer_without_a_model(
    here: Run, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a camera that writes GPS tags without a position
    photo = study / "empty.jpg"
    photo.write_bytes(encoded(noise(320, 240), "JPEG", exif=exif({2: (33.0, 52.0, 0.0)})))
    assert "--no-location" in here("identify", photo).stdout
    done = here("identify", photo, "--no-location", "--json")
    assert (done.returncode, json.loads(done.stdout)["answer"]["features"]["mode"]) == (0, "no_location")
    monkeypatch.setenv("MODEL_PATH", str(study / "none.onnx"))
    failed = here("identify", photo, "--no-location")
    assert (failed.returncode, "Error: " in failed.stderr) == (1, True)


def test_a_study_that_moved_goes_on(here: Run, study: Path) -> None:
    photos, results = study / "photos", study / "study.db"
    (photos / "N" / "broken.jpg").unlink()
    place = ("--lat", "10", "--lon", "20")
    assert here("identify", photos, "--results", results, *place).returncode == 0
    # WHEN other photos come to the same results THEN that is refused
    other = study / "other"
    shutil.copytree(photos, other)
    refused = here("identify", other, "--results", results, *place)
    assert (refused.returncode, "--root" in refused.stderr) == (2, True)
    # WHEN the folder is elsewhere, and one of its folders is given THEN that is refused, as its photos would be new
    shutil.move(photos, study / "moved")
    refused = here("identify", study / "moved" / "N", "--results", results, *place)
    assert (refused.returncode, "--root" in refused.stderr) == (2, True)
    # WHEN the folder itself is given THEN its photos are the same
    done = here("identify", study / "moved", "--results", results, *place)
    assert (done.returncode, "(0 looked at" in done.stderr) == (0, True)
    # WHEN only one of its folders is given THEN names stay
    assert here("identify", study / "moved" / "N", "--results", results, *place).returncode == 0
    assert len(photos_in(results)) == 3


def test_given_stores_are_asked_once_a_station(run: Run, card: Path, loaded_database: str, tmp_path: Path) -> None:
    # GIVEN a database without a cache, and photos of two stations
    results, table = tmp_path / "study.db", tmp_path / "deployments.csv"
    table.write_text("deploymentID,latitude,longitude\nN,-33.9,151.2\nS,9.0,-79.5\n")
    stores = {"DATABASE_URL": loaded_database, "REDIS_URL": "redis://127.0.0.1:1"}
    done = run("identify", card, "--deployments", table, "--results", results, **stores)
    # THEN each place is narrowed, and each station is one query
    assert done.returncode == 0, done.stderr
    features = [json.loads(row["answer"])["features"] for row in photos_in(results).values()]
    assert {each["mode"] for each in features} == {"narrowed"}
    assert sum(each["cache"] != "memory" for each in features) <= 2

"""`faunalens identify --engine` with stand-ins for the packages: boxes, names, versions, exports."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.faunalens.cli.conftest import Run, photos_in
from tests.stand_ins import BLACK_BEAR, BLANK, KIT_FOX, PANDA, detection, write_megadetector, write_speciesnet
from tests.support.pictures import encoded, noise

SAN_DIEGO = ("--lat", "32.57", "--lon", "-116.98")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "card" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(encoded(noise(640, 480), "JPEG"))
    return path


def answer_in(results: Path) -> Any:
    return json.loads(photos_in(results)["a.jpg"]["answer"])


@pytest.mark.usefixtures("packages")
def test_speciesnet_names_by_the_place(here: Run, tmp_path: Path, photo: Path) -> None:
    # GIVEN that SpeciesNet sees a panda, or else a bear
    weights = write_speciesnet(tmp_path / "net", [detection("1", 0.9)], {PANDA: 0.3, BLACK_BEAR: 0.68, BLANK: 0.02})
    results = tmp_path / "study.db"
    command = ("identify", photo.parent, "--results", results, "--engine", "speciesnet", "--weights", weights)
    # WHEN it looks at a photo from California
    done = here(*command, *SAN_DIEGO)
    # THEN the range of our data decides, and the answer says who looked
    assert done.returncode == 0, done.stderr
    answer = answer_in(results)
    assert answer["model"] == {"name": "speciesnet", "version": "4.0.3a", "packs": []}
    best = answer["candidates"][0]
    assert (best["scientific_name"], best["here"], best["vision_score"]) == ("Ursus americanus", "native", 0.6939)
    assert answer["animals"][0]["box"]["score"] == 0.9
    # THEN status and exports say so too
    assert "speciesnet 4.0.3a" in here("status", results).stdout
    export = tmp_path / "out.csv"
    assert here("export", results, "--csv", export).returncode == 0
    assert "speciesnet 4.0.3a" in export.read_text(encoding="utf-8")
    # WHEN newer weights are there, only --again outdated asks them
    write_speciesnet(tmp_path / "net", [detection("1", 0.9)], {KIT_FOX: 1.0})
    info = tmp_path / "net" / "info.json"
    assert "1 looked at" not in here(*command).stderr
    info.write_text(info.read_text(encoding="utf-8").replace("4.0.3a", "4.0.4a"), encoding="utf-8")
    assert "1 looked at" in here(*command, "--again", "outdated").stderr
    assert answer_in(results)["model"]["version"] == "4.0.4a"


@pytest.mark.usefixtures("packages")
def test_our_models_name_what_megadetector_finds(here: Run, tmp_path: Path, photo: Path) -> None:
    weights = write_megadetector(tmp_path, detection("1", 0.9), detection("2", 0.6, 0.7, 0.1, 0.2, 0.6))
    done = here("identify", photo, *SAN_DIEGO, "--engine", "megadetector", "--weights", weights, "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)["answer"]
    assert [each["box"]["score"] for each in answer["animals"]] == [0.9]
    assert answer["people"]["count"] == 1
    assert answer["model"]["packs"][-1].items() >= {"name": "megadetector", "version": "v5a.0.1"}.items()

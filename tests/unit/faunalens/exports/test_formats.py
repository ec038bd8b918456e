"""What every command makes of one study with every kind of photo, compared with the files in tests/golden/study/.

`GOLDEN=write python -m pytest tests/unit/faunalens/exports/test_formats.py` writes the files. Times of the run, the
version of Faunalens and pictures are constant in them.
"""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chalicelib.config import VERSION
from chalicelib.config.settings import ROOT
from faunalens.cli.export import FORMATS
from faunalens.engines.place import Place
from faunalens.errors import CommandError
from faunalens.exports.camtrap_dp import write_camtrap_dp
from faunalens.exports.description import read_description
from faunalens.exports.flat_csv import write_csv
from faunalens.study.deployments import parse_zone
from faunalens.words import rows_of
from tests.support.studies import IMPALA, PHOTOS, STATIONS, answer, made_up

GOLDEN = ROOT / "tests" / "golden" / "study"
TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}")
SCHEMAS = {
    "deployments": (("deploymentID", "latitude", "longitude"), ("deploymentStart", "deploymentEnd")),
    "media": (("mediaID", "deploymentID", "filePath", "filePublic", "fileMediatype"), ("timestamp",)),
    "observations": (
        ("observationID", "deploymentID", "observationLevel", "observationType"),
        ("eventStart", "eventEnd", "classificationTimestamp"),
    ),
}
"""Required fields and required times of Camtrap DP's tables."""


def constant(text: str) -> str:
    """Return a text without what another run, release or library has otherwise."""
    now = f"{datetime.now(UTC):%Y-%m-%d}"
    text = re.sub(rf"{now}([T ][\d:]+(Z|\+00:00)?)?", "NOW", text).replace(VERSION, "VERSION")
    text = re.sub(r'"year": \d+', '"year": YEAR', text)
    text = re.sub(r"base64,[^\"]+", "base64,PICTURE", text)
    parts = r"(?s)<style>.*?</style>|<script( type=\"module\")?>.*?</script>|(?<=id=\"coasts\">).*?(?=</script>)"
    return re.sub(parts, "", text)


@pytest.mark.parametrize("name", [*FORMATS, "tables", "report", "said"])
def test_a_study_of_everything_becomes_what_it_was(made: Path, name: str) -> None:
    files = sorted((made / name).rglob("*.*"))
    found = "".join(
        f"=== {file.relative_to(made / name).as_posix()}\n{constant(file.read_text(encoding='utf-8'))}"
        for file in files
    )
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"if {name} has to change, run this with GOLDEN=write"


def test_camtrap_dp_has_what_its_schemas_require(made: Path) -> None:
    # GIVEN the tables of a package THEN required fields are filled in, the first is unique, and times have a zone
    tables = {name: rows_of(made / "camtrap_dp" / f"{name}.csv") for name in SCHEMAS}
    for name, (required, times) in SCHEMAS.items():
        assert not [row for row in tables[name] if not all(row[column] for column in required)]
        assert len({row[required[0]] for row in tables[name]}) == len(tables[name])
        assert all(TIME.fullmatch(row[column]) for row in tables[name] for column in times)
    # THEN an observation of a photo names its medium and its deployment, one of an event no medium
    media = {row["mediaID"]: row["deploymentID"] for row in tables["media"]}
    for row in tables["observations"]:
        is_medium = row["observationLevel"] == "media"
        assert row["deploymentID"] == media[row["mediaID"]] if is_medium else row["mediaID"] == ""
    # THEN the package describes all taxa
    package = json.loads((made / "camtrap_dp" / "datapackage.json").read_text(encoding="utf-8"))
    taxa = {each["scientificName"] for each in package["taxonomic"]}
    assert {row["scientificName"] for row in tables["observations"]} - {""} == taxa


def test_no_name_is_a_formula(tmp_path: Path) -> None:
    # GIVEN folders of which a spreadsheet would compute the name
    photos = [(f"{name}/a.jpg", "2026-05-02 06:00:00", answer(IMPALA)) for name in ("=1+1", "-2 north", "@x", "a=b")]
    with made_up(tmp_path, photos, ()) as study:
        write_csv(study, tmp_path / "photos.csv")
    # THEN a quotation mark makes them text
    rows = rows_of(tmp_path / "photos.csv")
    assert [row["path"] for row in rows] == ["'-2 north/a.jpg", "'=1+1/a.jpg", "'@x/a.jpg", "a=b/a.jpg"]
    assert rows[0]["deployment"].startswith("'-2 north")


def test_what_camtrap_dp_cannot_have_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a photo without a time, a deployment without any, and a photo of a path that is not allowed
    photos = [*PHOTOS[:1], ("N/2.jpg", None, answer(IMPALA)), ("N/a..b.jpg", "2026-05-02 07:00:00", answer(IMPALA))]
    with made_up(tmp_path, photos) as study:
        write_camtrap_dp(study, tmp_path / "package", read_description(None, ""))
    said = capsys.readouterr().err
    assert "1 photo is left out, because Camtrap DP demands a time; see --file-times" in said
    assert "the deployment south is left out: no photo has a time" in said
    assert "N/a..b.jpg is left out, because Camtrap DP forbids such paths; rename it" in said
    assert [row["mediaID"] for row in rows_of(tmp_path / "package" / "media.csv")] == [PHOTOS[0][0]]
    # THEN the deployment has issues with its times
    (deployment,) = rows_of(tmp_path / "package" / "deployments.csv")
    assert (deployment["deploymentID"], deployment["timestampIssues"]) == ("north", "true")


def test_a_photo_outside_of_its_deployment_is_covered_and_said_to_be(tmp_path: Path) -> None:
    # GIVEN a camera whose clock was not set
    with made_up(tmp_path, [("N/1.jpg", "2000-01-01 00:00:00", PHOTOS[0][2])], STATIONS[:1]) as study:
        write_camtrap_dp(study, tmp_path / "package", read_description(None, ""))
    package = json.loads((tmp_path / "package" / "datapackage.json").read_text())
    assert package["temporal"] == {"start": "2000-01-01", "end": "2026-05-31"}
    assert rows_of(tmp_path / "package" / "deployments.csv")[0]["timestampIssues"] == "true"
    # THEN without rounding, coordinates are as they were given
    assert package["spatial"]["coordinates"][0][0] == [36.789, -1.2345]
    assert "coordinatePrecision" not in package


@pytest.mark.parametrize(
    ("photos", "stations", "place", "zone", "message"),
    [
        (PHOTOS[-1:], STATIONS[1:], Place("exif"), None, r"has a time, which Camtrap DP demands;.* --file-times"),
        (PHOTOS[:3], (), Place("exif"), "+00:00", r"^N \(1 of 1\) lacks what Camtrap DP demands, a place"),
        (PHOTOS[:3], (), Place("given", 1.0, 2.0), None, "^N @ 1.000,2.000 .* demands, the time zone of each"),
        # Dates of a deployment have a zone, which need not be that of its camera.
        (PHOTOS[:3], (STATIONS[0] | {"timezone": ""},), Place("exif"), None, "^north .* demands, the time zone"),
    ],
)
def test_what_camtrap_dp_lacks_is_said(
    tmp_path: Path, photos: object, stations: object, place: Place, zone: str | None, message: str
) -> None:
    # WHEN a study is exported of which something is not known THEN the error names it, and the deployment
    with (
        made_up(tmp_path, photos, stations, place, zone=parse_zone(zone) if zone else None) as study,
        pytest.raises(CommandError, match=message),
    ):
        write_camtrap_dp(study, tmp_path / "package", read_description(None, ""))
    assert not (tmp_path / "package").exists()

"""Camtrap DP: what its schemas and its profile demand (https://camtrap-dp.tdwg.org/data, release 1.0.2)."""

import json
import re
from pathlib import Path

import pytest

from cli.deployments import parse_zone
from cli.errors import CommandError
from cli.exports.camtrap_dp import write_camtrap_dp
from cli.exports.description import Description, read_description
from cli.place import Place
from cli.words import rows_of
from tests.support.studies import PHOTOS, STATIONS, made_up

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}[+-]\d{2}:\d{2}")
REQUIRED = {
    "deployments": ("deploymentID", "latitude", "longitude", "deploymentStart", "deploymentEnd"),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath", "filePublic", "fileMediatype"),
    "observations": ("observationID", "deploymentID", "eventStart", "eventEnd", "observationLevel", "observationType"),
}
TIMES = {
    "deployments": ("deploymentStart", "deploymentEnd"),
    "media": ("timestamp",),
    "observations": ("eventStart", "eventEnd", "classificationTimestamp"),
}
KEYS = {"deployments": "deploymentID", "media": "mediaID", "observations": "observationID"}
NUMBER_OF_COLUMNS = {"deployments": 24, "media": 11, "observations": 28}

type Tables = dict[str, list[dict[str, str]]]


def export(
    tmp_path: Path, precision: float = 0.0, about: Description | None = None
) -> tuple[dict[str, object], Tables]:
    """Export the made-up study: the descriptor, and the rows of each table."""
    with made_up(tmp_path, precision=precision, file_times=True) as study:
        write_camtrap_dp(study, tmp_path / "package", about or read_description(None, study.folder))
    tables = {name: rows_of(tmp_path / "package" / f"{name}.csv") for name in REQUIRED}
    return json.loads((tmp_path / "package" / "datapackage.json").read_text()), tables


def test_every_table_has_what_its_schema_requires(tmp_path: Path) -> None:
    # GIVEN an export
    _, tables = export(tmp_path)
    for name, rows in tables.items():
        # THEN it has all columns, required fields are filled in, ids are unique, times have a zone
        assert {len(row) for row in rows} == {NUMBER_OF_COLUMNS[name]}
        assert not [row for row in rows if not all(row[column] for column in REQUIRED[name])]
        assert len({row[KEYS[name]] for row in rows}) == len(rows)
        assert all(TIME.fullmatch(row[column]) for row in rows for column in TIMES[name])


def test_observations_refer_to_media_and_deployments(tmp_path: Path) -> None:
    _, tables = export(tmp_path)
    media = {row["mediaID"]: row for row in tables["media"]}
    deployments = {row["deploymentID"] for row in tables["deployments"]}
    assert {row["deploymentID"] for row in tables["observations"]} <= deployments
    for row in tables["observations"]:
        # THEN an observation of a photo names its medium, one of an event none
        if row["observationLevel"] == "media":
            assert media[row["mediaID"]]["deploymentID"] == row["deploymentID"]
        else:
            assert (row["observationLevel"], row["mediaID"]) == ("event", "")
    assert {row["mediaID"] for row in tables["observations"]} - {""} == set(media)


def test_photos_become_animals_and_blanks_by_the_machine(tmp_path: Path) -> None:
    _, tables = export(tmp_path)
    found = {row["mediaID"]: row for row in tables["observations"] if row["mediaID"]}
    impala, blank = found["N/IMG_0001.JPG"], found["N/IMG_0003.JPG"]
    assert (impala["observationType"], impala["scientificName"]) == ("animal", "Aepyceros melampus")
    assert (impala["classificationMethod"], impala["classifiedBy"]) == ("machine", "tiny 123456789abc")
    assert impala["classificationProbability"] == "0.9"
    assert "lion (Panthera leo) 0.05" in impala["observationComments"]
    assert (blank["observationType"], blank["scientificName"]) == ("blank", "")
    # THEN a photo that cannot be read is no medium
    assert "N/broken.JPG" not in found


def test_an_event_is_fused_from_its_photos(tmp_path: Path) -> None:
    _, tables = export(tmp_path)
    events = [row for row in tables["observations"] if row["observationLevel"] == "event"]
    # THEN the two first photos are one event, from the first to the last
    first = events[0]
    assert (first["eventStart"], first["eventEnd"]) == ("2026-05-02T06:00:00+03:00", "2026-05-02T06:00:30+03:00")
    assert first["scientificName"] == "Aepyceros melampus"
    assert len(events) == 4


def test_times_are_those_of_the_cameras_in_their_zones(tmp_path: Path) -> None:
    _, tables = export(tmp_path)
    times = {row["mediaID"]: row for row in tables["media"]}
    assert times["N/IMG_0001.JPG"]["timestamp"] == "2026-05-02T06:00:00+03:00"
    assert times["S/card/IMG_0001.JPG"]["timestamp"] == "2026-05-02T20:00:00+10:00"
    # THEN a photo without a time has that of its file, which the medium and its deployment say
    assert "EXIF has none" in times["S/card/IMG_0002.JPG"]["mediaComments"]
    assert [row["timestampIssues"] for row in tables["deployments"]] == ["", "true"]


def test_photos_without_a_time_are_left_out_and_said_to_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with made_up(tmp_path) as study:
        write_camtrap_dp(study, tmp_path / "package", read_description(None, ""))
    assert "1 photo is left out for want of a time, which Camtrap DP demands" in capsys.readouterr().err
    assert "S/card/IMG_0002.JPG" not in (tmp_path / "package" / "media.csv").read_text()
    assert [row["timestampIssues"] for row in rows_of(tmp_path / "package" / "deployments.csv")] == ["", "true"]
    # GIVEN no photo with a time THEN the error says what to do
    (tmp_path / "none").mkdir()
    with (
        made_up(tmp_path / "none", PHOTOS[-1:], STATIONS[1:]) as study,
        pytest.raises(CommandError, match=r"has a time, which Camtrap DP demands;.* --file-times"),
    ):
        write_camtrap_dp(study, tmp_path / "none", read_description(None, ""))


def test_the_descriptor_covers_the_tables(tmp_path: Path) -> None:
    package, tables = export(tmp_path)
    assert [each["name"] for each in package["resources"]] == list(REQUIRED)  # type: ignore[attr-defined]
    assert str(package["profile"]).endswith("/1.0.2/camtrap-dp-profile.json")
    taxa = {each["scientificName"]: each for each in package["taxonomic"]}  # type: ignore[attr-defined]
    assert {row["scientificName"] for row in tables["observations"]} - {""} == set(taxa)
    assert taxa["Panthera leo"]["family"] == "Felidae"
    ring = package["spatial"]["coordinates"][0]  # type: ignore[index]
    assert (ring[0], ring[2]) == ([36.789, -33.9], [151.2, -1.2345])
    assert package["temporal"] == {"start": "2026-04-24", "end": "2026-05-31"}
    assert package["contributors"]
    assert "coordinatePrecision" not in package


def test_rounded_coordinates_are_rounded_everywhere(tmp_path: Path) -> None:
    package, tables = export(tmp_path, precision=0.1)
    assert [row["latitude"] for row in tables["deployments"]] == ["-1.2", "-33.9"]
    # THEN a place is less certain than it was: half a diagonal, 7,872 m, is added to what was given, 30 m and nothing
    assert [row["coordinateUncertainty"] for row in tables["deployments"]] == ["7902", "7872"]
    assert package["coordinatePrecision"] == 0.1
    assert "1.2345" not in (tmp_path / "package" / "datapackage.json").read_text()


def test_a_photo_outside_of_its_deployment_is_covered_and_said_to_be(tmp_path: Path) -> None:
    # GIVEN a camera whose clock was not set
    with made_up(tmp_path, [("N/1.jpg", "2000-01-01 00:00:00", PHOTOS[0][2])]) as study:
        write_camtrap_dp(study, tmp_path / "package", read_description(None, ""))
    package = json.loads((tmp_path / "package" / "datapackage.json").read_text())
    assert package["temporal"] == {"start": "2000-01-01", "end": "2026-05-31"}
    assert rows_of(tmp_path / "package" / "deployments.csv")[0]["timestampIssues"] == "true"


def test_people_describe_their_study(tmp_path: Path) -> None:
    file = tmp_path / "about.json"
    file.write_text(json.dumps({"title": "Impalas", "contributors": [{"title": "A. Person", "role": "contact"}]}))
    package, _ = export(tmp_path, about=read_description(file, ""))
    assert (package["title"], package["name"], package["project"]["title"]) == ("Impalas", "impalas", "Impalas")  # type: ignore[index]
    assert package["contributors"] == [{"title": "A. Person", "role": "contact"}]


@pytest.mark.parametrize(
    ("stations", "place", "zone", "message"),
    [
        ((), Place("exif"), "+00:00", "a place of each deployment, and N has none"),
        ((), Place("given", 1.0, 2.0), None, "the time zone of each camera's clock, and N @ 1.000,2.000 has none"),
        # Dates of a deployment have a zone, which need not be that of its camera.
        ((STATIONS[0] | {"timezone": ""},), Place("exif"), None, "the time zone of each camera's clock, and north has"),
    ],
)
def test_what_is_missing_is_said(
    tmp_path: Path, stations: tuple[dict[str, str], ...], place: Place, zone: str | None, message: str
) -> None:
    # WHEN a study is exported of which something is not known THEN the error names it, and the deployment
    parsed = parse_zone(zone) if zone else None
    with (
        made_up(tmp_path, PHOTOS[:3], stations, place, zone=parsed) as study,
        pytest.raises(CommandError, match=f"demands {message}"),
    ):
        write_camtrap_dp(study, tmp_path / "package", read_description(None, ""))
    assert not (tmp_path / "package").exists()

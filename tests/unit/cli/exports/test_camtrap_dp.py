"""Camtrap DP: what it cannot have, and what is said of that. tests/golden/study/ has a whole package."""

import json
from pathlib import Path

import pytest

from cli.deployments import parse_zone
from cli.errors import CommandError
from cli.exports.camtrap_dp import write_camtrap_dp
from cli.exports.description import read_description
from cli.place import Place
from cli.words import rows_of
from tests.support.studies import IMPALA, PHOTOS, STATIONS, answer, made_up

ABOUT = read_description(None, "")


def test_what_it_cannot_have_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # GIVEN a photo without a time, a deployment without any, and a photo of a path that is not allowed
    photos = [*PHOTOS[:1], ("N/2.jpg", None, answer(IMPALA)), ("N/a..b.jpg", "2026-05-02 07:00:00", answer(IMPALA))]
    with made_up(tmp_path, photos) as study:
        write_camtrap_dp(study, tmp_path / "package", ABOUT)
    said = capsys.readouterr().err
    assert "1 photo is left out for want of a time, which Camtrap DP demands; see --file-times" in said
    assert "the deployment south is left out: no photo has a time" in said
    assert "N/a..b.jpg is left out, because Camtrap DP forbids such paths; rename it" in said
    assert [row["mediaID"] for row in rows_of(tmp_path / "package" / "media.csv")] == [PHOTOS[0][0]]
    # THEN the deployment has issues with its times
    (deployment,) = rows_of(tmp_path / "package" / "deployments.csv")
    assert (deployment["deploymentID"], deployment["timestampIssues"]) == ("north", "true")


def test_a_photo_outside_of_its_deployment_is_covered_and_said_to_be(tmp_path: Path) -> None:
    # GIVEN a camera whose clock was not set
    with made_up(tmp_path, [("N/1.jpg", "2000-01-01 00:00:00", PHOTOS[0][2])], STATIONS[:1]) as study:
        write_camtrap_dp(study, tmp_path / "package", ABOUT)
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
def test_what_is_missing_is_said(
    tmp_path: Path, photos: object, stations: object, place: Place, zone: str | None, message: str
) -> None:
    # WHEN a study is exported of which something is not known THEN the error names it, and the deployment
    with (
        made_up(tmp_path, photos, stations, place, zone=parse_zone(zone) if zone else None) as study,
        pytest.raises(CommandError, match=message),
    ):
        write_camtrap_dp(study, tmp_path / "package", ABOUT)
    assert not (tmp_path / "package").exists()

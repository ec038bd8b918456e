"""The table of deployments: which photos belong to which, also in a folder that several share, and faults."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faunalens.engines.place import Place
from faunalens.errors import CommandError
from faunalens.study.deployments import (
    Deployments,
    Where,
    corrected,
    deployment_at,
    parse_shift,
    parse_zone,
    place_of,
    read_deployments,
)
from faunalens.study.results import FileFacts, Outcome, ResultsFile

CAMERA = "deploymentID,latitude,longitude"
HEAD = "deploymentID,folder,latitude,longitude,deploymentStart,deploymentEnd,timezone\n"


def read(tmp_path: Path, text: str, encoding: str = "utf-8") -> Deployments:
    path = tmp_path / "deployments.csv"
    path.write_text(text, encoding)
    return read_deployments(path)


def home(table: Deployments, path: str, time: str = "") -> str | None:
    """Return the deployment that took a photo."""
    row = deployment_at(table.at(path), datetime.fromisoformat(time) if time else None)
    return row["deploymentID"] if row else None


def test_a_photo_belongs_to_the_innermost_folder(tmp_path: Path) -> None:
    table = read(tmp_path, f"\ufeff{HEAD}a,R13,1,2,,,\nb,R13/second card/,3.5,-4,,,UTC\nc,,5,6,,,\n")
    assert home(table, "R13/first card/IMG_1.JPG") == "a"
    assert home(table, "R13/second card/100/IMG_1.JPG") == "b"
    assert place_of(table.rows[1]) == Place("given", 3.5, -4.0)
    # THEN a deployment without a folder has those of its own name
    assert home(table, "cards/c/IMG_1.JPG") == "c"
    # THEN names only match as wholes, and the name of a photo is none
    assert home(table, "R130/IMG_1.JPG") is None
    assert home(table, "c") is None


def test_a_table_of_a_spreadsheet_is_read_and_what_is_not_utf_8_is_said(tmp_path: Path) -> None:
    # GIVEN a table with decimal commas, hence semicolons, and rows without a value
    (row,) = read(tmp_path, f"\ufeff{HEAD.replace(',', ';')}a;R13;-33,87;151,21;;;\n;;;;;;\n;;;;;;;;\n").rows
    assert place_of(row) == Place("given", -33.87, 151.21)
    assert home(read(tmp_path, f"{HEAD.replace(',', chr(9))}a\tR13\t1\t2\t\t\t\n"), "R13/a.JPG") == "a"
    with pytest.raises(CommandError, match="is not UTF-8; save it as 'CSV UTF-8'"):
        read(tmp_path, f"{HEAD}S\u00fcd,,1,2,,,\n", "latin-1")


def test_a_folder_may_be_written_in_other_ways(tmp_path: Path) -> None:
    # GIVEN folders with an umlaut, as most machines write it, and as Windows and shells write paths
    one, two = "S\u00fcd", "Su\u0308d"
    table = read(tmp_path, f"{HEAD}a,./{one}/,1,2,,,\nb,north\\100MEDIA,1,2,,,\n{one} 2,,1,2,,,\n")
    # THEN photos of a Mac's disk, which writes two letters, belong to them too
    for umlaut in (one, two):
        assert home(table, f"{umlaut}/IMG_1.JPG") == "a"
        assert home(table, f"cards/{umlaut} 2/IMG_1.JPG") == f"{one} 2"
    assert home(table, "north/100MEDIA/IMG_1.JPG") == "b"


def test_start_and_end_may_be_dates_or_times_of_the_zone(tmp_path: Path) -> None:
    head = HEAD.replace(",timezone", ",timezone,baitUse,featureType,coordinateUncertainty,cameraTilt")
    berlin = "a,,1,2,2026-03-28,2026-03-29,Europe/Berlin,TRUE,waterSource,12.5,-10"
    first, second = read(tmp_path, f"{head}{berlin}\nb,,1,2,2026-03-29 08:30,,+10:00,,,,\n").rows
    # THEN a day is whole, also the one on which summer time begins; and a camera is described as in Camtrap DP
    assert (first["deploymentStart"], first["deploymentEnd"]) == (
        "2026-03-28T00:00:00+01:00",
        "2026-03-29T23:59:59+02:00",
    )
    assert (second["deploymentStart"], first["baitUse"]) == ("2026-03-29T08:30:00+10:00", "TRUE")


def test_of_the_deployments_of_a_folder_the_time_decides(tmp_path: Path) -> None:
    # GIVEN a camera that was moved on 5 May, in a table that begins with the second place
    table = read(tmp_path, f"{HEAD}b,f,3,4,2026-05-05,,+03:00\na,f,1,2,2026-05-01,2026-05-05,+03:00\n")
    path = "f/IMG_1.JPG"
    assert [row["deploymentID"] for row in table.at(path)] == ["a", "b"]
    # THEN the later one has the day that both claim, and neither has what was before or has no time
    assert home(table, path, "2026-05-01 00:00:00") == "a"
    assert home(table, path, "2026-05-04 23:59:59") == "a"
    assert home(table, path, "2026-05-05 00:00:00") == "b"
    assert home(table, path, "2026-04-30 23:59:59") is None
    assert home(table, path) is None
    # THEN the zone of the table is that of the clock, whatever EXIF's offset
    assert home(table, path, "2026-05-05 00:00:00+00:00") == "b"
    # THEN the clocks count, if the camera went to the other side of the world
    far = read(tmp_path, f"{HEAD}b,f,3,4,2026-05-05,,+10:00\na,f,1,2,2026-05-01,2026-05-05,-07:00\n")
    assert [home(far, path, f"2026-05-0{day} 12:00:00") for day in (4, 5)] == ["a", "b"]
    # THEN a folder of one deployment has it whenever the photo was taken
    assert home(read(tmp_path, f"{HEAD}a,f,1,2,2026-05-01,,UTC\n"), path) == "a"


@given(st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)), st.sampled_from(["", "+03:00", "Europe/Berlin"]))  # noqa: DTZ001
def test_what_a_table_says_comes_back_as_it_was(moment: datetime, zone: str) -> None:
    # GIVEN a start with and without an offset of its own
    with tempfile.TemporaryDirectory() as folder:
        written = moment if zone else moment.replace(tzinfo=UTC)
        table = read(Path(folder), f"{HEAD}a,f,1,2,{written.isoformat()},,{zone}\n")
    start = datetime.fromisoformat(table.rows[0]["deploymentStart"])
    # THEN the clock shows the same, and the start lies in the deployment
    assert (start.replace(tzinfo=None), start.tzinfo is not None) == (moment, True)
    assert home(table, "f/a.jpg", start.isoformat()) == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{CAMERA},coordinateUncertainty\na,1,2,ca. 30\n", "y is 'ca. 30'; expected a number from 1 to 100000000"),
        (f"{CAMERA},cameraHeading\na,1,2,-1\n", "cameraHeading is '-1'; expected a whole number from 0 to 360"),
        (f"{CAMERA},cameraTilt\na,1,2,2.5\n", "cameraTilt is '2.5'; expected a whole number"),
        (f"{CAMERA},baitUse\na,1,2,meat\n", "baitUse is 'meat'; expected one of 0, 1, false, true"),
        (f"{CAMERA},featureType\na,1,2,road\n", "featureType is 'road'; expected one of burrow"),
        ("deploymentID,latitude\n", "has no column longitude"),
        (f"{HEAD}a,f,91,2,,,\n", "line 2: latitude is '91'; expected decimal degrees from -90 to 90"),
        (f"{HEAD}a,f,1,,,,\n", "line 2: longitude is ''; expected decimal degrees from -180 to 180"),
        (f"{HEAD}a,f,1,2,,,\nb,g,one,2,,,\n", "line 3: latitude is 'one'"),
        (f"{HEAD},f,1,2,,,\n", "deploymentID is empty"),
        (f"{HEAD}S\u00fcd,,1,2,,,\nSu\u0308d,,1,2,,,\n", "twice"),
        *((f"{HEAD}a,f,1,2{more}\n", "as many fields as columns") for more in ("", ",,,,extra")),
        (f"{HEAD},,,,,,,extra\n", "as many fields as columns"),
        (f"{HEAD}a,f,1,2,,,Mars\n", "'Mars' is not a time zone"),
        (f"{HEAD}a,f,1,2,2026-01-01T00:00:00,,\n", "without an offset; give the deployment a timezone"),
        (f"{HEAD}a,f,1,2,12.5.2026,,UTC\n", "deploymentStart is '12.5.2026'; expected a date such as 2026-05-12"),
        (f"{HEAD}a,f,1,2,2026-01-02T00:00:00Z,2026-01-01T00:00:00Z,UTC\n", "deploymentEnd is before"),
        (f"{HEAD}a,f,1,2,,,\na,g,1,2,,,\n", "has the deploymentID 'a' twice"),
        (f"{HEAD}a,f,1,2,,,\nb,f/,1,2,,,\n", "has the folder 'f' twice; say when a and b began"),
        (f"{HEAD}a,f,1,2,2026-01-01,2026-01-05,UTC\nb,f,1,2,2026-01-03,,UTC\n", "in the folder 'f' at the same time"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        read(tmp_path, text)


def test_a_zone_is_a_name_or_an_offset() -> None:
    zones = {"Australia/Sydney": 11, "+10:00": 10, "UTC-8": -8, "-0330": -3.5, "UTC": 0, "GMT+1": 1}
    for text, hours in zones.items():
        summer_in_the_south = datetime(2026, 1, 1, tzinfo=parse_zone(text))
        assert summer_in_the_south.utcoffset() == timedelta(hours=hours)
    for text in ("", "Sydney", "+25:00", "Australia", "../etc/passwd", "10"):
        with pytest.raises(ValueError, match="is not a time zone"):
            parse_zone(text)


def test_a_correction_is_a_duration_that_is_added_up_to_the_end_of_the_calendar() -> None:
    shifts = {"0s": 0, "+1h": 3600, "-1h30m": -5400, "365d": 31_536_000, "2d3h4m5s": 183_845}
    assert {text: parse_shift(text).total_seconds() for text in shifts} == shifts
    for text in ("", "+", "1", "1h 2m", "1m1h", "h", "99999d", "9" * 20 + "s"):
        with pytest.raises(ValueError, match="is not a correction"):
            parse_shift(text)
    assert corrected("9999-12-31 23:59:59", 3600) == datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001, as in EXIF
    assert corrected("2026-05-02 06:00:00", -3600) == datetime(2026, 5, 2, 5)  # noqa: DTZ001, as in EXIF


NEAR, FAR = ("-33.9", "151.2"), ("9.0", "-79.5")


def moved_to(place: tuple[str, str], moved: str = "2026-05-05T00:00:00+10:00") -> Deployments:
    """Return a table of a camera that was moved to a place."""
    first = {"folder": "f", "deploymentID": "first", "latitude": NEAR[0], "longitude": NEAR[1], "deploymentStart": ""}
    second = {"deploymentID": "second", "latitude": place[0], "longitude": place[1], "deploymentStart": moved}
    return Deployments([first, first | second])


def identified(where: Where, **photos: str | None) -> dict[str, tuple[str | None, str, float]]:
    """Identify photos that were taken at some times. Return deployment, state and latitude of each."""
    where.results.find(where.of(f"f/{name}", 1, 1) for name in photos)
    for task in list(where.results.tasks()):
        facts = FileFacts(1, 1, photos[task.path[2:]], task.place.latitude, task.place.longitude)
        where.results.save(Outcome(task, "done", 1, 1, task.id, facts, "{}"))
    where.settle()
    rows = where.results.rows("select * from photo order by path")
    return {row["path"][2:]: (row["deployment"], row["state"], row["latitude"]) for row in rows}


PHOTOS = {"a": "2026-05-01 10:00:00", "b": "2026-05-06 10:00:00", "c": None}


def test_the_time_of_a_photo_decides_once_it_is_known(results: ResultsFile) -> None:
    # GIVEN a camera that was moved to a place a few metres away
    where = Where(results, moved_to(("-33.9001", "151.2")), None, None)
    # WHEN its photos are identified THEN those after the move are of the second deployment, and none is done again
    expected = {"a": ("first", "done", -33.9), "b": ("second", "done", -33.9001), "c": (None, "done", -33.9)}
    assert identified(where, **PHOTOS) == expected
    # WHEN the table is corrected to a place in another cell THEN those are done again, once
    where = Where(results, moved_to(FAR), None, None)
    for state in ("new", "done"):
        where.settle()
        assert [row["state"] for row in results.rows("select state from photo where path = 'f/b'")] == [state]
        assert identified(where, **PHOTOS) == expected | {"b": ("second", "done", 9.0)}


def test_a_corrected_table_or_clock_changes_deployments_without_a_new_answer(results: ResultsFile) -> None:
    identified(Where(results, moved_to(NEAR), None, None), **PHOTOS)
    # WHEN the camera was moved later than the table said
    later = Where(results, moved_to(NEAR, "2026-05-07T00:00:00+10:00"), None, None)
    results.find(later.of(f"f/{name}", 1, 1) for name in PHOTOS)
    assert {row["deployment"] for row in results.rows("select * from photo where taken is not null")} == {"first"}
    # WHEN its clock was a week behind THEN that correction stays
    shifted = Where(results, moved_to(NEAR), None, timedelta(days=7))
    results.find(shifted.of(f"f/{name}", 1, 1) for name in PHOTOS)
    assert identified(Where(results, moved_to(NEAR), None, None), **PHOTOS)["a"] == ("second", "done", -33.9)
    assert results.counts().left == 0

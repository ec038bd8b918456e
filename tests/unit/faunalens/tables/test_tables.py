"""The tables for R: their README, what they count and warn of. tests/golden/study/tables.txt has them whole."""

from datetime import timedelta
from pathlib import Path

import pytest

from faunalens.cli.__main__ import run
from faunalens.errors import CommandError, Exit
from faunalens.tables.tables import Rules, columns, meanings, parse_days, parse_duration, write_tables
from faunalens.words import rows_of
from tests.support.studies import BOVIDS, IMPALA, LION, PHOTOS, STATIONS, answer, made_up

VISITS = [
    *((f"N/{time}.jpg", f"2026-05-{time}:00", answer(IMPALA)) for time in ("02 06:00", "02 06:20", "20 06:00")),
    ("N/4.jpg", "2026-05-20 09:00:00", answer(BOVIDS)),
    ("N/5.jpg", "2026-05-20 10:00:00", answer(None, subject="person")),
    ("S/card/1.jpg", "2026-05-03 12:00:00", answer(LION)),
    ("S/card/2.jpg", "2026-05-05 12:00:00", answer(None)),
]


def written(folder: Path, photos: object = VISITS, rules: Rules = Rules(), **options: object) -> Path:  # noqa: B008
    """Write the tables of a study to a folder below `folder`."""
    with made_up(folder, photos, **options) as study:
        write_tables(study, folder / "tables", rules, "Two stations")
    return folder / "tables"


def test_people_and_wider_ranks_are_counted_if_wanted(tmp_path: Path) -> None:
    tables = written(tmp_path, rules=Rules(rank="family", include=("people",)))
    found = [row["Species"] for row in rows_of(tables / "records.csv")]
    assert found == ["Bovidae", "Bovidae", "Bovidae", "human", "Felidae"]
    # THEN effort and detections are those of the northern camera's table, and of the southern one's photos
    assert [(row["o1"], row["o5"]) for row in rows_of(tables / "effort.csv")] == [("6.5", "2.5"), ("2.0", "NA")]
    detections = [list(row.values())[1:] for row in rows_of(tables / "detections.csv") if row["Species"] == "Felidae"]
    assert detections == [["north", *"00000"], ["south", "1", *["NA"] * 4]]


def test_the_readme_has_the_options_and_each_column(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = "--independence 1h --compared-to lastRecord --occasion 5d --day1 survey"
    assert run(["tables", str(study), str(study.parent / "new" / "tables"), *options.split()]) == Exit.DONE
    readme = Path(capsys.readouterr().out.strip())
    text = readme.read_text()
    assert text.startswith("# Tables of Two stations\n")
    said = ('after 60 minutes, with `deltaTimeComparedTo = "lastRecord"`', "Occasions have 5 days", 'day1 = "survey"')
    assert [each for each in (*said, columns()) if each not in text] == []
    for path in readme.parent.glob("*.csv"):
        head = path.read_text().partition("\n")[0].split(",")
        known = set(meanings()[path.name])
        assert [each for each in head if each not in known and not each.startswith(("2026-05", "o"))] == [], path


def test_a_record_outside_its_deployment_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tables = written(tmp_path, [*VISITS, ("N/late.jpg", "2026-06-05 06:00:00", answer(LION))])
    said = capsys.readouterr().err
    assert "1 record is outside the operation of the station" in said
    # AND where effort is only what the photos show
    assert "1 deployment has no deploymentEnd in a table: the effort ends with the last photo" in said
    assert len(rows_of(tables / "records.csv")) == 4


def test_stations_are_a_column_of_the_table(tmp_path: Path) -> None:
    stations = [row | {"site": "valley"} for row in STATIONS]
    with made_up(tmp_path, VISITS, stations) as study:
        write_tables(study, tmp_path / "tables", Rules(station="site"), "")
        # THEN a column that it does not have is an error
        with pytest.raises(CommandError, match="no deployment has a place; expected a column of the table"):
            write_tables(study, tmp_path / "tables", Rules(station="place"), "")
    assert [row["Station"] for row in rows_of(tmp_path / "tables" / "stations.csv")] == ["valley"]


def test_a_study_without_times_or_animals_has_tables_without_rows(tmp_path: Path) -> None:
    tables = written(tmp_path, PHOTOS[-1:])
    assert [len(rows_of(tables / name)) for name in ("records.csv", "rai.csv", "detections.csv")] == [0, 0, 0]
    stations = {row["Station"]: row["first_day"] for row in rows_of(tables / "stations.csv")}
    assert stations == {"north": "2026-05-01", "south": "NA"}


def test_durations() -> None:
    assert [parse_duration(text) for text in ("30min", "0m", "1h")] == [timedelta(minutes=each) for each in (30, 0, 60)]
    assert [parse_days(text) for text in ("7d", "14", "48h")] == [7, 14, 2]
    for text in ("", "30", "-1h", "half an hour"):
        with pytest.raises(ValueError, match="is not a duration; expected one such as 30min"):
            parse_duration(text)
    for text in ("0d", "36h"):
        with pytest.raises(ValueError, match="is not a number of days; expected one such as 7d"):
            parse_days(text)

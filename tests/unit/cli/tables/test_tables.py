"""The tables for R: each file, its README, and what they warn of."""

from pathlib import Path

import pytest

from cli.errors import CommandError
from cli.results import ResultsFile
from cli.study.opinions import Observation, Opinion
from cli.study.reviews import save
from cli.study.study import Study
from cli.tables.tables import Rules, columns, meanings, write_tables
from cli.words import rows_of
from tests.support.studies import BOVIDS, IMPALA, LION, PHOTOS, STATIONS, answer, made_up, write_study

VISITS = [
    ("N/1.jpg", "2026-05-02 06:00:00", answer(IMPALA)),
    ("N/2.jpg", "2026-05-02 06:20:00", answer(IMPALA)),
    ("N/3.jpg", "2026-05-20 06:00:00", answer(IMPALA)),
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


def test_a_record_has_camtrapr_s_columns(tmp_path: Path) -> None:
    tables = written(tmp_path)
    rows = rows_of(tables / "records.csv")
    assert [(row["Station"], row["Species"]) for row in rows] == [
        ("north", IMPALA[1]),
        ("north", IMPALA[1]),
        ("south", LION[1]),
    ]
    assert rows[1] == {
        "Station": "north",
        "Species": "Aepyceros melampus",
        "DateTimeOriginal": "2026-05-20 06:00:00",
        "Date": "2026-05-20",
        "Time": "06:00:00",
        "delta.time.secs": "1555200",
        "delta.time.mins": "25920.0",
        "delta.time.hours": "432.0",
        "delta.time.days": "18.0",
        "Directory": "N",
        "FileName": "3.jpg",
        "n_images": "1",
        "count": "NA",
        "name": "impala",
        "rank": "species",
        "method": "machine",
        "differs": "NA",
    }
    assert rows[0]["n_images"] == "2"
    # THEN the antelope that is only a bovid has a table of its own
    assert [row["Species"] for row in rows_of(tables / "records_wide.csv")] == ["Bovidae"]


def test_people_and_wider_ranks_are_counted_if_wanted(tmp_path: Path) -> None:
    tables = written(tmp_path, rules=Rules(rank="family", include=("people",)))
    found = [row["Species"] for row in rows_of(tables / "records.csv")]
    assert found == ["Bovidae", "Bovidae", "Bovidae", "human", "Felidae"]


def test_what_people_said_counts(tmp_path: Path) -> None:
    # GIVEN a review that sees three lions in the first photo of an impala
    write_study(tmp_path / "study.db", VISITS)
    with ResultsFile(tmp_path / "study.db", write=True) as results:
        save(results, [1], Opinion("A. Person", "2026", (Observation("animal", *LION, count=3),)))
    with ResultsFile(tmp_path / "study.db", write=False) as results:
        write_tables(Study(results, 60), tmp_path / "tables", Rules(), "")
    lions = [row for row in rows_of(tmp_path / "tables" / "records.csv") if row["Species"] == LION[1]]
    assert [(row["Station"], row["count"], row["method"]) for row in lions] == [
        ("north", "3", "human"),
        ("south", "NA", "machine"),
    ]


def test_operation_effort_rates_and_detections(tmp_path: Path) -> None:
    tables = written(tmp_path)
    north, south = rows_of(tables / "operation.csv")
    # GIVEN the northern camera's days from the table, the southern one's from its photos
    assert (north["2026-05-01"], north["2026-05-31"], len(north)) == ("0.5", "0.5", 1 + 31)
    assert [south[f"2026-05-0{day}"] for day in (2, 3, 4, 5, 6)] == ["NA", "0.5", "1.0", "0.5", "NA"]
    assert [row["o1"] for row in rows_of(tables / "effort.csv")] == ["6.5", "2.0"]
    assert [row["o5"] for row in rows_of(tables / "effort.csv")] == ["2.5", "NA"]
    histories = {(row["Species"], row["Station"]): list(row.values())[2:] for row in rows_of(tables / "detections.csv")}
    assert histories[IMPALA[1], "north"] == ["1", "0", "1", "0", "0"]
    assert histories[IMPALA[1], "south"] == ["0", "NA", "NA", "NA", "NA"]
    assert rows_of(tables / "rai.csv")[0] == {
        "Species": IMPALA[1],
        "events": "2",
        "trap_days": "32.0",
        "rai": "6.25",
    }
    rates = {(row["Species"], row["Station"]): row["rai"] for row in rows_of(tables / "rai_stations.csv")}
    assert (rates[LION[1], "north"], rates[LION[1], "south"]) == ("0.0", "50.0")
    stations = rows_of(tables / "stations.csv")
    assert [(row["Station"], row["trap_days"], row["events"], row["species"]) for row in stations] == [
        ("north", "30.0", "2", "1"),
        ("south", "2.0", "1", "1"),
    ]
    assert stations[0]["latitude"] == "-1.2345"


def test_each_column_is_in_the_readme(tmp_path: Path) -> None:
    tables = written(tmp_path, rules=Rules(day1="survey"))
    text = (tables / "README.md").read_text()
    assert text.startswith("# Tables of Two stations\n")
    assert 'day1 = "survey"' in text
    assert columns() in text
    for path in tables.glob("*.csv"):
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

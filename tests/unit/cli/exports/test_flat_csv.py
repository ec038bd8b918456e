"""The CSV: a row for each photo, also for those without an answer."""

from pathlib import Path

from cli.exports.camtrap_dp import FILE_TIME
from cli.exports.flat_csv import write_csv
from cli.report.summary import summary_of
from cli.words import rows_of
from tests.support.studies import IMPALA, LION, PHOTOS, answer, made_up


def test_each_photo_has_a_row(tmp_path: Path) -> None:
    with made_up(tmp_path) as study:
        write_csv(study, tmp_path / "photos.csv")
    rows = {row["path"]: row for row in rows_of(tmp_path / "photos.csv")}
    assert len(rows) == len(PHOTOS)
    second = rows["N/IMG_0002.JPG"]
    assert (second["scientific_name"], second["event"], second["event_photos"]) == ("Bovidae", "1", "2")
    assert second["event_scientific_name"] == "Aepyceros melampus"
    assert rows["N/IMG_0003.JPG"]["kind"] == "blank"
    assert (rows["N/broken.JPG"]["error"], rows["N/broken.JPG"]["kind"]) == ("photo_unreadable", "")
    untimed = rows["S/card/IMG_0002.JPG"]
    assert (untimed["detail"], untimed["time"], second["detail"]) == ("EXIF has no time", "", "")
    # THEN it has that of its file only if that is wanted, and says so
    with made_up(tmp_path, file_times=True) as study:
        write_csv(study, tmp_path / "photos.csv")
    untimed = next(row for row in rows_of(tmp_path / "photos.csv") if row["path"] == untimed["path"])
    assert (untimed["detail"], untimed["time"]) == (FILE_TIME, "2026-04-24T13:06:40+10:00")


def test_an_event_of_two_species_names_both(tmp_path: Path) -> None:
    photos = [(f"N/{who[0]}.jpg", "2026-05-02 06:00:00", answer(who, 0.95)) for who in (IMPALA, LION)]
    with made_up(tmp_path, photos) as study:
        write_csv(study, tmp_path / "photos.csv")
        found = summary_of(study)
    row, _ = rows_of(tmp_path / "photos.csv")
    assert row["event_scientific_name"] == "Aepyceros melampus | Panthera leo"
    assert (row["event_kind"], row["event_probability"]) == ("animal | animal", "0.95 | 0.95")
    # AND a report counts the event for both, and once in all
    assert (found.events, [found.groups[who[1]].events for who in (IMPALA, LION)]) == (1, [1, 1])
    assert found.stations["north"].taxa == {"Aepyceros melampus", "Panthera leo"}


def test_no_name_is_a_formula(tmp_path: Path) -> None:
    # GIVEN folders of which a spreadsheet would compute the name
    photos = [(f"{name}/a.jpg", "2026-05-02 06:00:00", answer(IMPALA)) for name in ("=1+1", "-2 north", "@x", "a=b")]
    with made_up(tmp_path, photos, ()) as study:
        write_csv(study, tmp_path / "photos.csv")
    # THEN a quotation mark makes them text
    rows = rows_of(tmp_path / "photos.csv")
    assert [row["path"] for row in rows] == ["'-2 north/a.jpg", "'=1+1/a.jpg", "'@x/a.jpg", "a=b/a.jpg"]
    assert rows[0]["deployment"].startswith("'-2 north")

"""The CSV: a row for each photo, also for those without an answer."""

from pathlib import Path

from cli.exports.flat_csv import write_csv
from cli.results.file import ResultsFile
from cli.study.study import Study
from testing.studies import PHOTOS, write_study
from tests.unit.cli.exports.reading import rows_of


def test_each_photo_has_a_row(tmp_path: Path) -> None:
    write_study(tmp_path / "study.db")
    with ResultsFile(tmp_path / "study.db", write=False) as results:
        write_csv(Study(results, 60), tmp_path / "photos.csv")
    rows = {row["path"]: row for row in rows_of(tmp_path / "photos.csv")}
    assert len(rows) == len(PHOTOS)
    second = rows["N/IMG_0002.JPG"]
    assert (second["scientific_name"], second["event"], second["event_photos"]) == ("Bovidae", "1", "2")
    assert second["event_scientific_name"] == "Aepyceros melampus"
    assert rows["N/IMG_0003.JPG"]["kind"] == "blank"
    assert (rows["N/broken.JPG"]["error"], rows["N/broken.JPG"]["kind"]) == ("photo_unreadable", "")

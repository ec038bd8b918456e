"""Every command of the tutorial about memory cards works as it stands there, in its order."""

import csv
import json
import re
from pathlib import Path

from chalicelib.config.settings import ROOT
from tests.integration.docs.tutorial import lines_of, run

TUTORIAL = (ROOT / "docs" / "start" / "memory-card.md").read_text(encoding="utf-8")
NOT_HERE = re.compile(r"^(?:make setup|uv tool|faunalens --help|faunalens: |faunalens review|card/|…)")
"""Lines that install the command, that show its output, or that wait for a person."""


def test_the_commands_of_the_tutorial_make_what_it_says(tmp_path: Path, cache_home: Path) -> None:
    # WHEN its lines of shell are run
    printed = run(TUTORIAL, NOT_HERE, tmp_path, cache_home, may_leave_some=True)
    # THEN the summary is that of the text, and the exports are there
    said = next(line for line in lines_of(TUTORIAL) if line.startswith("faunalens: "))
    assert said in re.sub(r", [\d.]+ a second", "", printed)
    package = json.loads((tmp_path / "package" / "datapackage.json").read_text())
    assert (package["title"], len(package["taxonomic"])) == ("A garden", 1)
    found = {name: rows_of(tmp_path / "package" / f"{name}.csv") for name in ("deployments", "media", "observations")}
    assert (len(found["deployments"]), len(found["media"])) == (2, 13)
    kinds = {row["mediaID"]: row["observationType"] for row in found["observations"] if row["mediaID"]}
    shown = ("north/100MEDIA/IMG_0005.JPG", "south/100MEDIA/IMG_0001.JPG", "south/100MEDIA/IMG_0002.JPG")
    assert [kinds[name] for name in shown] == ["human", "vehicle", "blank"]
    rows = {row["path"]: row for row in rows_of(tmp_path / "photos.csv")}
    first, *others = (rows[f"north/100MEDIA/IMG_000{number}.JPG"] for number in (1, 2, 3))
    assert (first["scientific_name"], first["time"]) == ("Felis catus", "2026-05-02T05:12:08+10:00")
    assert {row["event"] for row in others} == {first["event"]}
    # THEN only the southern clock is corrected
    assert rows["south/100MEDIA/IMG_0001.JPG"]["time"] == "2026-05-02T08:15:02+10:00"
    assert (tmp_path / "study.html").stat().st_size > 1_000_000


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_accuracy_is_that_of_the_field() -> None:
    # GIVEN the measured table WHEN the tutorial says what to expect THEN it has its numbers for camera traps
    field = (ROOT / "docs" / "explanation" / "field.md").read_text(encoding="utf-8")
    rows = [re.findall(r"\d+", line) for line in field.splitlines() if line.startswith("| camera trap")]
    (night, *of_night), (day, *of_day) = rows
    for (usable, *_, wrong, silent), text in (
        (of_day, "day, {} get a usable answer.*? {} are named wrongly, {} not found"),
        (of_night, "At night it is {}, {} and {},"),
    ):
        assert re.search(text.format(usable, wrong, silent), TUTORIAL, re.DOTALL)
    assert f"measured on {int(day) + int(night)} photos" in TUTORIAL

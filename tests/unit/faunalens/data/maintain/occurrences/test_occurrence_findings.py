"""What records add to the ranges of a dataset: seasons, and ranges by checklists."""

from pathlib import Path

import numpy as np

from chalicelib.location import cell_of
from faunalens.data.areas.area_cells import Earth
from faunalens.data.cell_animals import NATIVE, ROW, Cell
from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.occurrence_findings import OccurrenceFindings
from faunalens.data.maintain.occurrences.tables import tables_in
from faunalens.data.maintain.occurrences.workspace import Workspace
from faunalens.data.taxa import AnimalRow, TaxonFacts
from tests.unit.faunalens.data.maintain.occurrences.sample_records import DISTRIBUTION, TERMS, meta

BERLIN = cell_of(52.52, 13.4)
LINEAGE = ("Chordata", "Aves")
SWIFT = AnimalRow(1, "apus-apus", "swift", "Apus apus", "species", "wild", LINEAGE, TaxonFacts("birds"))
ROOK = AnimalRow(2, "corvus-frugilegus", "rook", "Corvus frugilegus", "species", "wild", LINEAGE, TaxonFacts("birds"))

DUCK = AnimalRow(3, "anas-platyrhynchos", "duck", "Anas platyrhynchos", "species", "farm", LINEAGE, TaxonFacts("birds"))


def found_in(
    file: Path, work: Path, earth: Earth, *, months: bool
) -> tuple[OccurrenceFindings, dict[int, list[int]], list[str]]:
    """Return the findings in a file, the months of each animal in Berlin, and the report."""
    ranges = [np.array([(BERLIN, animal, 1.0, NATIVE)], ROW) for animal in (SWIFT.animal, DUCK.animal)]
    with Workspace(work, Filters(), months=months) as workspace:
        workspace.read(tables_in(file), lambda _line: None)
        findings = OccurrenceFindings(workspace)
        evidence = findings([SWIFT, ROOK, DUCK], [Cell(BERLIN, False, ("DE",))], earth, ranges)
        report = list(findings.report())
    # records of animals that people keep change nothing
    assert sum(rows.tolist() == ranges[1].tolist() for rows in evidence.ranges) == 1
    seasons = {int(row["animal"]): [*bytes(row["months"])] for rows in evidence.seasons for row in rows}
    return findings, seasons, report


def test_the_season_of_a_bird_of_summer(tmp_path: Path, earth: Earth) -> None:
    # GIVEN swifts of May to July, and rooks of all months
    swifts = [("Apus apus", month) for month in (5, 6, 7)] * 50
    rooks = [("Corvus frugilegus", month) for month in range(1, 13)] * 50
    lines = [f"{name}\tAves\t52.52\t13.4\t2020-{month:02}-09" for name, month in swifts + rooks]
    file = tmp_path / "file"
    file.write_text("\n".join(["species\tclass\tdecimalLatitude\tdecimalLongitude\teventDate", *lines]))
    # WHEN the months count THEN the swift has a season and the rook, which is there all year, none
    _, seasons, report = found_in(file, tmp_path / "work", earth, months=True)
    assert seasons.keys() == {1}
    assert seasons[1][5] == 255 > seasons[1][4] > 100 > seasons[1][0]
    assert "animals with a season in some cell: 1" in report
    # AND otherwise no animal has one
    assert not found_in(file, tmp_path / "work", earth, months=False)[1]


def test_a_checklist_gives_a_range_to_an_animal_without_one(tmp_path: Path, earth: Earth) -> None:
    # GIVEN a checklist with both animals, of which the swift has a written range
    taxa = (f"{TERMS}Taxon", "taxon.txt", [(1, "scientificName")])
    (tmp_path / "meta.xml").write_text(meta(taxa, (DISTRIBUTION, "distribution.txt", [(1, "countryCode")])))
    (tmp_path / "taxon.txt").write_text("1,Apus apus\n2,Corvus frugilegus\n")
    (tmp_path / "distribution.txt").write_text("1,DE\n2,DE\n2,XX\n")
    # THEN only the rook gets a range by it
    findings, _, report = found_in(tmp_path, tmp_path / "work", earth, months=False)
    assert findings.by_checklist == ["rook"]
    assert "animals with a range by a checklist alone: rook" in report


def test_records_in_countries_and_cells_that_do_not_exist_are_said(tmp_path: Path, earth: Earth) -> None:
    # GIVEN cubes by country, one of which is no code of ISO 3166, and by cell, one of which is none
    (tmp_path / "countries").write_text("species,countrycode,occurrences\nApus apus,DE,9\nApus apus,UK,7\n")
    (tmp_path / "cells").write_text(
        "species,h3cell,occurrences\nApus apus,831f1dfffffffff,6\nApus apus,83ffffffffffff0,4\n"
    )
    for name, first in (("countries", "UK (1)"), ("cells", "83f")):
        # WHEN combined THEN the report says that these add nothing
        _, _, report = found_in(tmp_path / name, tmp_path / "work", earth, months=False)
        assert "rows: 2; counted: 2" in report
        expected = f"1  of them in countries or cells that do not exist, so they add nothing: {first}"
        assert any(line.strip().startswith(expected) for line in report)

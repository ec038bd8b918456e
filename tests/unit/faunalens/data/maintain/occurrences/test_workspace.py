"""Counting the records of files in each format."""

import gzip
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from errno import ENOSPC
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from chalicelib.location import cell_of, text_of
from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.relations import of_parquet, of_text
from faunalens.data.maintain.occurrences.tables import OccurrenceError, tables_in
from faunalens.data.maintain.occurrences.workspace import RowCounts, Workspace, table_progress
from tests.unit.faunalens.data.maintain.occurrences import sample_records
from tests.unit.faunalens.data.maintain.occurrences.sample_records import (
    FORMATS,
    TERMS,
    Record,
    meta,
    simple_csv,
    snapshot,
)

WORKSPACE = "faunalens.data.maintain.occurrences.workspace"
FOX, WOLF = ("Vulpes vulpes", 5219243), ("Canis lupus", 5219173)
BERLIN, PARIS = (52.52, 13.4), (48.86, 2.35)


def read(file: Path, work: Path, query: str = "from part", **options: Any) -> tuple[RowCounts, list[tuple[Any, ...]]]:
    """Count a file's records. Return the counts of its rows, and a query's result. `options`: of `Workspace`."""
    with Workspace(work, options.pop("filters", None) or Filters(), **options) as counting:
        counting.read(tables_in(file), lambda _line: None)
        return counting.counts(), counting.connection.execute(query).fetchall()


def left_out(counts: RowCounts) -> dict[str, int]:
    return {reason: rows for reason, rows in counts.dropped.items() if rows}


def counted(
    file: Path, work: Path, filters: Filters | None = None, size: int = 1 << 20
) -> tuple[Counter[tuple[str, int]], Counter[str], int]:
    """Return the records of a file by species and cell, the rows left out by reason, and the number of faulty rows."""
    query = """
        select coalesce(species, scientific_name), cell, sum(records)::integer from counted join names using (name)
        where dropped is null group by all"""
    counts, rows = read(file, work, query, filters=filters, size=size)
    return Counter({(name, cell): number for name, cell, number in rows}), Counter(left_out(counts)), counts.faulty


RECORDS = st.builds(
    lambda animal, place, **more: Record(*animal, *place, **more),
    st.sampled_from([FOX, WOLF]),
    st.sampled_from([BERLIN, PARIS, (0.0, 0.0)]),
    status=st.sampled_from(["PRESENT", "ABSENT"]),
    basis=st.sampled_from(["HUMAN_OBSERVATION", "FOSSIL_SPECIMEN"]),
    year=st.sampled_from([1900, 2020]),
    issues=st.sampled_from([(), ("COORDINATE_ROUNDED",), ("COORDINATE_ROUNDED", "COUNTRY_COORDINATE_MISMATCH")]),
)


@pytest.mark.parametrize("format_", FORMATS)
@given(records=st.lists(RECORDS, max_size=12), size=st.sampled_from([300, 1 << 20]))
@settings(max_examples=4, suppress_health_check=[HealthCheck.too_slow])
def test_each_format_gives_the_same_counts(format_: str, records: list[Record], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # GIVEN records in a format WHEN counted, in small parts and in one
        file = FORMATS[format_](Path(folder) / "file", records)
        found, dropped, faulty = counted(file, Path(folder) / "work", size=size)
    # THEN those that pass every filter are counted by name and cell, and the others have a reason
    kept = [
        each
        for each in records
        if (each.status, each.basis, each.year) == ("PRESENT", "HUMAN_OBSERVATION", 2020)
        and "COUNTRY_COORDINATE_MISMATCH" not in each.issues
        and (each.latitude, each.longitude) != (0, 0)
    ]
    assert found == Counter((each.species, cell_of(each.latitude, each.longitude)) for each in kept)
    assert dropped.total() == len(records) - len(kept)
    assert faulty == 0


@given(data=st.binary(max_size=200))
@settings(max_examples=10)
def test_any_bytes_are_counted_or_a_clear_error(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(b"species\tdecimalLatitude\tdecimalLongitude\n" + data)
        found, dropped, faulty = counted(file, Path(folder) / "work")
        lines = len([line for line in data.replace(b"\r\n", b"\n").split(b"\n") if line])
        assert found.total() + dropped.total() + faulty <= lines
        file.write_bytes(data)
        with pytest.raises(OccurrenceError, match="file"):
            tables_in(file)


def test_a_faulty_row_is_counted_and_shown(tmp_path: Path) -> None:
    # GIVEN a text with a row without a place, a long one, and a latitude that is no number
    rows = ["Vulpes vulpes\t52.52\t13.4", "short", "a\t1\t2\t3", "Vulpes vulpes\tnorth\t13.4", "Vulpes vulpes\t91\t0"]
    (tmp_path / "file").write_text("\n".join(["species\tlatitude\tlongitude", *rows]))
    # WHEN counted THEN the rest counts
    counts, _ = read(tmp_path / "file", tmp_path / "work")
    assert (counts.rows, counts.faulty, counts.kept) == (5, 1, 1)
    assert [(each.line, each.fault, each.text) for each in counts.examples] == [(3, "too many columns", "a\t1\t2\t3")]
    assert counts.dropped["latitude or longitude is not a number"] == 1
    assert counts.dropped["outside the Earth"] == 1


def stopping(at: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is interrupted at a call."""
    calls = iter(range(at))

    def called(*arguments: Any) -> Any:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return function(*arguments)

    return called


@pytest.mark.parametrize(("written", "read_by"), [(simple_csv, of_text), (snapshot, of_parquet)])
def test_a_second_run_counts_only_what_is_left(
    written: Callable[..., Path], read_by: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a run that stops in the middle of a text, or of a Parquet file
    file = written(tmp_path / "file", [Record(*FOX, *BERLIN)] * 40)
    parts: dict[str, Any] = {"size": 1000, "rows": 16}
    with Workspace(tmp_path / "work", Filters(), **parts) as counting, monkeypatch.context() as patch:
        patch.setattr(f"faunalens.data.maintain.occurrences.relations.{read_by.__name__}", stopping(2, read_by))
        with pytest.raises(KeyboardInterrupt):
            counting.read(tables_in(file), lambda _line: None)
        assert 0 < counting.counts().rows < 40
    # WHEN run again THEN all records count once
    query = "select sum(records) from counted"
    assert read(file, tmp_path / "work", query, **parts)[1] == [(40,)]
    # AND other files begin anew
    other = written(tmp_path / "other", [Record(*FOX, *PARIS)])
    assert read(other, tmp_path / "work", query, **parts)[1] == [(1,)]


def test_two_loads_with_other_filters_read_their_own_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN two texts, and a load of the one that runs to its end while another counts the other
    (tmp_path / "foxes").write_text("species,lat,lon\n" + "Vulpes vulpes,52.5,13.4\n" * 9)
    (tmp_path / "wolves").write_text("species,lat,lon\n" + "Canis lupus,52.5,13.4\n" * 5)
    with Workspace(tmp_path / "work", Filters()) as first, Workspace(tmp_path / "work", Filters(since=1990)) as second:
        others = [tmp_path / "wolves"]

        def interrupted(*arguments: Any) -> Any:
            if others:
                second.read(tables_in(others.pop()), lambda _line: None)
            return of_text(*arguments)

        monkeypatch.setattr("faunalens.data.maintain.occurrences.relations.of_text", interrupted)
        # WHEN both are done, with the same folder for their counts
        first.read(tables_in(tmp_path / "foxes"), lambda _line: None)
        query = "select scientific_name, rows from counted join names using (name)"
        found = [each.connection.execute(query).fetchall() for each in (first, second)]
    # THEN each has its own records
    assert found == [[("Vulpes vulpes", 9)], [("Canis lupus", 5)]]


def test_a_full_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # GIVEN a disk that is too small for a part of a text
    file = simple_csv(tmp_path / "file", [Record(*FOX, *BERLIN)])

    def is_full(_path: Path, _data: bytes) -> int:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", is_full)
    # THEN the disk is to blame, and not the download
    with pytest.raises(OccurrenceError, match=r"\.part cannot be written \(No space left on device\); free .* --work"):
        counted(file, tmp_path / "work")
    # AND a folder that cannot be created is named
    with pytest.raises(OccurrenceError, match=r"cannot be created \(File exists\); .* --work"):
        Workspace(file, Filters())


def test_an_interrupted_query_is_no_fault_of_duckdb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> str:
        raise RuntimeError("Query interrupted")  # so DuckDB says it

    file = simple_csv(tmp_path / "file", [Record(*FOX, *BERLIN)])
    monkeypatch.setattr(f"{WORKSPACE}.count_query", interrupted)
    with pytest.raises(KeyboardInterrupt):
        counted(file, tmp_path / "work")
    with (
        pytest.raises(OccurrenceError, match="run the same command again to continue"),
        Workspace(tmp_path / "work", Filters()) as counting,
    ):
        counting.connection.execute("from nothing_there")


def test_a_cube_by_cell_and_one_by_country(tmp_path: Path) -> None:
    cell = cell_of(*BERLIN)
    (tmp_path / "cells").write_text(f"species\tspeciesKey\tcell\toccurrences\nVulpes vulpes\t1\t{text_of(cell)}\t7\n")
    assert counted(tmp_path / "cells", tmp_path / "work")[0] == {("Vulpes vulpes", cell): 7}
    with zipfile.ZipFile(tmp_path / "countries.zip", "w") as archive:
        archive.writestr("0001.csv", "species\tcountrycode\toccurrences\nVulpes vulpes\tde\t9\nVulpes vulpes\t\t3\n")
    query = "select country, cell, records from counted where dropped is null"
    counts, found = read(tmp_path / "countries.zip", tmp_path / "work", query)
    assert (found, left_out(counts)) == ([("DE", None, 9.0)], {"without a place": 1})


@pytest.mark.parametrize(
    ("column", "code", "place"),
    [("eeaCellCode", "10kmE428N267", (47.17, 9.51)), ("isea3hCellCode", "1252000000010000000", (52.0, 10.0))],
)
def test_a_cube_by_the_cells_of_other_grids(tmp_path: Path, column: str, code: str, place: tuple[float, float]) -> None:
    # GIVEN a cube of GBIF with the codes of a grid, one of which is none, and a cell as large as a country
    rows = [(code, 7), (code, 3), ("nowhere", 2), ("500kmE40N20", 1)]
    lines = [f"species\tspeciesKey\t{column}\toccurrences", *(f"Vulpes vulpes\t1\t{each}\t{n}" for each, n in rows)]
    (tmp_path / "cube").write_text("\n".join(lines))
    # WHEN counted THEN the records are in the H3 cell of its middle
    found, dropped, _ = counted(tmp_path / "cube", tmp_path / "work")
    assert found == {("Vulpes vulpes", cell_of(*place)): 10}
    assert dropped == {"without a place": 1, "with coordinates uncertain by more than 25,000 m": 1}


def test_a_cube_by_cells_of_no_known_grid_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cube").write_text("species\tmyCellCode\tcellCode\toccurrences\nVulpes vulpes\ta\tX-7\t1\n")
    with pytest.raises(OccurrenceError, match="'X-7' in cellCode is not a code of a known grid"):
        read(tmp_path / "cube", tmp_path / "work")


def test_a_checklist_says_in_which_countries_a_taxon_lives(tmp_path: Path) -> None:
    columns = enumerate(("countryCode", "locationID", "establishmentMeans", "occurrenceStatus"), 1)
    taxa = (f"{TERMS}Taxon", "taxon.txt", [(1, "scientificName"), (2, "kingdom")])
    distribution = (sample_records.DISTRIBUTION, "distribution.txt", columns)
    (tmp_path / "meta.xml").write_text(meta(taxa, distribution))
    (tmp_path / "taxon.txt").write_text("t1,Vulpes vulpes,Animalia\nt2,Canis lupus,Animalia\n")
    rows = ["t1,DE,,native,present", "t1,,ISO3166:au,introduced,", "t2,FR,,,absent", "t2,,TDWG:GER,,", "t9,DE,,,"]
    (tmp_path / "distribution.txt").write_text("".join(f"{row}\n" for row in rows))
    query = "select scientific_name, country, is_introduced from listed join names using (name) order by all"
    counts, listed = read(tmp_path, tmp_path / "work", query)
    assert listed == [("Vulpes vulpes", "AU", True), ("Vulpes vulpes", "DE", False)]
    assert left_out(counts) == {"of an animal that was absent": 1, "without a place": 1, "without a name": 1}


def test_exports_of_inaturalist_and_ebird(tmp_path: Path) -> None:
    # GIVEN the columns of an export of iNaturalist, gzipped, and of eBird's basic dataset
    head = "observed_on,quality_grade,captive_cultivated,latitude,longitude,positional_accuracy,license,scientific_name"
    rows = "2020-05-01,research,false,48.86,2.35,12,CC-BY-NC,Vulpes vulpes\n"
    rows += "2020-05-01,casual,true,48.86,2.35,,,Canis lupus\n"
    (tmp_path / "observations.csv.gz").write_bytes(gzip.compress(f"{head}\n{rows}".encode()))
    (tmp_path / "ebd.txt").write_text(
        "SCIENTIFIC NAME\tOBSERVATION COUNT\tLATITUDE\tLONGITUDE\tOBSERVATION DATE\tAPPROVED\n"
        "Pica pica\tX\t48.86\t2.35\t2020-05-01\t1\nPica pica\t2\t48.86\t2.35\t2020-05-01\t0\n"
    )
    # WHEN counted THEN what their reviewers refuse does not count
    found, dropped, _ = counted(tmp_path / "observations.csv.gz", tmp_path / "work")
    assert (found, dropped) == ({("Vulpes vulpes", cell_of(*PARIS)): 1}, {"captive or cultivated": 1})
    assert counted(tmp_path / "observations.csv.gz", tmp_path / "work", Filters(commercial=True))[0].total() == 0
    found, dropped, _ = counted(tmp_path / "ebd.txt", tmp_path / "work")
    assert (found, dropped) == ({("Pica pica", cell_of(*PARIS)): 1}, {"casual, or not approved by a reviewer": 1})


def test_elsewhere_than_on_a_terminal_there_is_a_line_every_ten_seconds() -> None:
    # GIVEN a clock on which 4 s pass between two looks
    lines, clock = list[str](), count(0, 4.0)
    with table_progress("file", lines.append, Console(file=StringIO()), lambda: next(clock)) as show:
        for share in (0.1, 0.2, 0.3, None):
            show(share, 1200)
    assert lines == ["           file: 30%, 1,200 rows, 100 a second, 0:00:28 left"]

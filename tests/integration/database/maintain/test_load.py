"""Occurrences from a file to a dataset beside the active one, on a real server."""

from pathlib import Path

import psycopg2
import pytest

from database.__main__ import main
from database.maintain.__main__ import main as maintain
from tests.unit.database.maintain.occurrences.sample_records import Record, simple_csv

LABELS = """\
id,taxon,output_index,wnid,name,scientific_name,rank,kind,phylum,class,order,family,genus,species
1,vulpes-vulpes,0,,red fox,Vulpes vulpes,species,wild,Chordata,Mammalia,,Canidae,Vulpes,Vulpes vulpes
2,canis-lupus,1,,wolf,Canis lupus,species,wild,Chordata,Mammalia,,Canidae,Canis,Canis lupus
"""
FACTS = """\
taxon,group,inaturalist,wikidata,avibase,ebird,gbif
vulpes-vulpes,mammals,,,,,5219243
canis-lupus,mammals,,,,,
"""
RANGES = "taxon,areas,status,certainty,extent,season,source,note\nvulpes-vulpes,DE,,,,,curated,\n"
FOX, WOLF, BADGER = ("Vulpes vulpes", 5219243), ("Canis lupus", 5219173), ("Meles meles", 2433875)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the data of a small model."""
    (tmp_path / "my").mkdir()
    contents = {"labels": LABELS, "taxa": "scientific_name,rank,name\nAnimalia,kingdom,animal\n", "taxon_facts": FACTS}
    for name, text in (contents | {"ranges": RANGES}).items():
        (tmp_path / "my" / f"{name}.csv").write_text(text)
    return tmp_path


def test_records_become_a_version_that_is_compared_activated_and_rolled_back(
    database_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # GIVEN an active dataset, and records: wolves, whose range is not stated, and foxes outside of theirs
    stores = ["--database-url", database_url, "--redis-url", ""]
    assert main(["load", "--from", str(folder / "my"), *stores]) == 0
    records = [Record(*WOLF, 52.5, 13.4)] * 120 + [Record(*FOX, 40.4, -3.7)] * 30 + [Record(*BADGER, 52.5, 13.4)] * 9
    file = simple_csv(folder / "download", [*records, Record(*FOX, 0.0, 0.0)])
    load = ["load", "--from", str(folder / "my"), "--database-url", database_url, str(file)]
    load += ["--work", str(folder / "work"), "--widen", "20", "--citation", "GBIF.org"]
    capsys.readouterr()
    # WHEN loaded
    assert maintain(load) == 0
    said = capsys.readouterr().out
    # THEN the report says what counts, what matches nothing, and where records and ranges disagree
    assert "rows: 160; they count: 159\n" in said
    assert "            1  at 0° N 0° E\n" in said
    assert "names that match no animal: 1, with 9 records" in said
    assert "without a written range: 1\n" in said
    assert "outside of their ranges: 1 (ranges widened from 20 records in a cell on)" in said
    assert "           30  red fox; cells: 1\n" in said
    new = said.rpartition("compare ")[2].strip()
    # AND the new version is beside the active one, with the wolf no longer unknown
    rows = ask(database_url, "select version, active, unknown from dataset order by dataset")
    assert [(version == new, active, unknown) for version, active, unknown in rows] == [
        (False, True, [2]),
        (True, False, []),
    ]
    assert ask(database_url, "select citation from source where source = 'occurrences'") == [("GBIF.org",)]
    # WHEN compared THEN both animals gain cells, on the page too
    assert main(["compare", new, "--html", str(folder / "page.html"), "--database-url", database_url]) == 0
    said = capsys.readouterr().out
    assert "animals that differ: 2; only new: 1; gone: 0\n" in said
    assert "  red fox: cells +1, -0;" in said
    page = (folder / "page.html").read_text()
    assert page.count("<figure>") == 2
    assert '<path class="gained"' in page
    # WHEN activated and rolled back THEN the first is active again, and the other can go
    (old,) = {version for version, *_ in rows} - {new}
    assert main(["activate", new, *stores]) == 0
    assert main(["rollback", *stores]) == 0
    assert ask(database_url, "select version from dataset where active") == [(old,)]
    assert main(["prune", "--keep", "1", "--database-url", database_url]) == 0
    assert len(ask(database_url, "select from dataset")) == 2  # the latest one, and the active one
    # AND a second load finds the same version, from the counts that it kept
    assert maintain(load) == 0
    assert "no rows, or counted before" in capsys.readouterr().out


def test_a_bad_file_changes_nothing(database_url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad").write_bytes(b"a,b\n1,2\n")
    assert maintain(["load", "--from", str(folder / "my"), str(folder / "bad"), "--database-url", database_url]) == 1
    assert "has no column for the name and the place" in capsys.readouterr().err
    assert ask(database_url, "select to_regclass('dataset')") == [(None,)]


def test_a_file_of_which_no_row_counts_says_why_and_loads_nothing(
    database_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = simple_csv(folder / "download", [Record(*FOX, 52.5, 13.4, year=1950)])
    load = ["load", "--from", str(folder / "my"), str(file), "--work", str(folder / "work")]
    assert maintain([*load, "--database-url", database_url]) == 1
    said = capsys.readouterr()
    assert "rows: 1; they count: 0\n              1  from before 1980\n" in said.out
    assert "no row counts, so nothing was loaded" in said.err
    assert ask(database_url, "select to_regclass('dataset')") == [(None,)]


def test_without_an_earlier_version_there_is_nothing_to_roll_back_to(
    database_url: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", "--from", str(folder / "my"), "--database-url", database_url]) == 0
    assert main(["rollback", "--database-url", database_url]) == 1
    assert "no other dataset was active before" in capsys.readouterr().err
    assert main(["compare", "none", "--database-url", database_url]) == 1
    assert "dataset none is not in the database" in capsys.readouterr().err


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--max-uncertainty", "nan", "expected a number above 0"),
        ("--widen", "-1", "expected a whole number, 0 or more"),
        ("--since", "last year", "expected a whole number, 0 or more"),
    ],
)
def test_an_option_of_occurrences_that_means_nothing_is_refused(
    option: str, value: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        maintain(["load", "occurrences.zip", option, value])
    assert f"argument {option}: {expected}" in capsys.readouterr().err

"""Occurrences from a file to a dataset beside the active one, on a real server."""

from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from faunalens.data.maintain.__main__ import main as maintain
from tests.integration.faunalens.data.conftest import Command
from tests.integration.faunalens.data.sample_data import ask
from tests.unit.faunalens.data.maintain.occurrences.sample_records import Record, simple_csv

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


def test_records_become_a_version_that_is_compared_and_used(run: Command, connection: Connection, folder: Path) -> None:
    # GIVEN an active dataset, and records: wolves, whose range is not stated, and foxes outside of theirs
    assert run("load", "--from", folder / "my") == 0
    records = [Record(*WOLF, 52.5, 13.4)] * 120 + [Record(*FOX, 40.4, -3.7)] * 30 + [Record(*BADGER, 52.5, 13.4)] * 9
    file = simple_csv(folder / "download", [*records, Record(*FOX, 0.0, 0.0)])
    load = "load", "--from", folder / "my", file, "--work", folder / "work", "--widen", 20, "--citation", "GBIF.org"
    # WHEN loaded
    assert run(*load, program=maintain) == 0
    # THEN the report says what counts, what matches nothing, and where records and ranges disagree
    for line in (
        "rows: 160; counted: 159\n",
        "            1  at 0° N 0° E\n",
        "names that match no animal: 1, with 9 records",
        "without a written range: 1\n",
        "outside of their ranges: 1 (ranges widened from 20 records in a cell on)",
        "           30  red fox; cells: 1\n",
    ):
        assert line in run.out
    new = run.out.rpartition("compare ")[2].strip()
    # AND the new version is beside the active one, with the wolf no longer unknown
    (old, *first), second = ask(connection, "select version, active, unknown from dataset order by dataset")
    assert (first, second) == ([True, [2]], (new, False, []))
    assert ask(connection, "select citation from source where source = 'occurrences'") == [("GBIF.org",)]
    # WHEN compared THEN both animals gain cells, on the page too
    assert run("compare", new, "--html", folder / "page.html") == 0
    assert "animals that differ: 2; only new: 1; gone: 0\n" in run.out
    assert "  red fox: cells +1, -0;" in run.out
    page = (folder / "page.html").read_text()
    assert page.count("<figure>") == 2
    assert '<path class="gained"' in page
    # WHEN activated and rolled back THEN the first is active again, and the other can go
    assert run("rollback") == 1
    assert "no other dataset was active before" in run.err
    assert run("activate", new) == run("rollback") == 0
    assert ask(connection, "select version from dataset where active") == [(old,)]
    assert run("prune", "--keep", 1) == 0
    assert len(ask(connection, "select from dataset")) == 2  # the latest one, and the active one
    # AND a second load finds the same version, from the counts that it kept
    assert run(*load, program=maintain) == 0
    assert "no rows, or counted before" in run.out


def test_a_bad_file_or_one_without_rows_loads_nothing(run: Command, connection: Connection, folder: Path) -> None:
    (folder / "bad").write_bytes(b"a,b\n1,2\n")
    assert run("load", "--from", folder / "my", folder / "bad", program=maintain) == 1
    assert "has no column for the name and the place" in run.err
    old = simple_csv(folder / "download", [Record(*FOX, 52.5, 13.4, year=1950)])
    assert run("load", "--from", folder / "my", old, "--work", folder / "work", program=maintain) == 1
    assert "rows: 1; counted: 0\n              1  from before 1980\n" in run.out
    assert "the filters left out every row, so nothing was loaded" in run.err
    assert ask(connection, "select to_regclass('dataset')") == [(None,)]


@pytest.mark.parametrize(
    ("option", "value"), [("--max-uncertainty", "nan"), ("--widen", "-1"), ("--since", "last year")]
)
def test_an_option_without_meaning_is_refused(option: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        maintain(["load", "occurrences.zip", option, value])
    assert f"argument {option}: expected a" in capsys.readouterr().err

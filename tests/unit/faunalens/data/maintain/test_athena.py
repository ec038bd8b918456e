"""The statement for Athena: DuckDB gets the loader's counts from it, and Athena's grammar takes it."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from faunalens.data.dataset_files import DatasetError, read_rows
from faunalens.data.maintain.__main__ import main
from faunalens.data.maintain.athena import (
    ASSUMPTIONS,
    assumptions,
    cost,
    estimate,
    query,
    scanned_columns,
    unload,
    wait_for,
)
from faunalens.data.maintain.occurrences.filters import Filters
from faunalens.data.maintain.occurrences.tables import tables_in
from faunalens.data.maintain.occurrences.workspace import Workspace
from tests.support.cloudformation import template

SNAPSHOT, DEFAULT = "2026-11-01", Filters()
TABLE = template("athena.yaml")["Resources"]["Occurrences"]["Properties"]["TableInput"]
COLUMNS = {each["Name"]: each["Type"] for each in TABLE["StorageDescriptor"]["Columns"]}
"""Columns of the table in Glue's catalog."""

type Counts = Counter[tuple[str, int, int | None]]


def of_duckdb(name: str) -> str:
    """Return the type of a column on DuckDB."""
    type_ = COLUMNS[name] if isinstance(COLUMNS[name], str) else "string"
    return {"string": "varchar", "array<string>": "varchar[]"}.get(type_, type_)


def write_snapshot(path: Path, rows: Sequence[dict[str, object]]) -> Path:
    """Write a snapshot with the columns of the table."""
    with duckdb.connect() as connection:
        columns = ", ".join(f"'{name}': '{of_duckdb(name)}'" for name in COLUMNS)
        text = path.with_suffix(".json")
        text.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        rows_read = f"read_json('{text}', format='newline_delimited', columns={{{columns}}})"
        connection.execute(f"copy (from {rows_read}) to '{path}' (format parquet)")
    return path


def view(file: Path, snapshot: str = SNAPSHOT) -> str:
    return f"create view occurrence as select *, '{snapshot}' as snapshot from read_parquet('{file}')"  # noqa: S608


def aggregate(file: Path, result: Path, filters: Filters = DEFAULT, months: bool = False) -> Path:
    """Run the statement on DuckDB."""
    with duckdb.connect() as connection:
        connection.execute(view(file))
        connection.execute(f"copy ({query(SNAPSHOT, filters, months)}) to '{result}' (format parquet)")
    return result


def counted(file: Path, work: Path, filters: Filters = DEFAULT, months: bool = False) -> Counts:
    """Return the loader's counts by name, cell and month."""
    with Workspace(work, filters, months=months) as workspace:
        workspace.read(tables_in(file), lambda _line: None)
        rows = workspace.connection.execute("""
            select concat_ws(' ', taxon_key, scientific_name, species, "order", "class"), cell, month,
                sum(records)::integer
            from counted join names using (name) where dropped is null group by all
        """).fetchall()
    return Counter({(name, cell, month): number for name, cell, month, number in rows})


CHOICES: dict[str, Sequence[object]] = {
    "occurrencestatus": ["PRESENT"] * 9 + ["ABSENT"],
    "basisofrecord": ["HUMAN_OBSERVATION"] * 9 + ["FOSSIL_SPECIMEN"],
    "coordinateuncertaintyinmeters": [None, 10.0, 301.0, 30_000.0],
    "establishmentmeans": [None, "Native", "Managed"],
    "year": [None, 1900, 2020],
    "month": [None, 1, 7, 13],
    "license": ["CC0_1_0", "CC_BY_4_0", "CC_BY_NC_4_0"],
    "issue": [None, [], ["COORDINATE_ROUNDED"], ["COORDINATE_ROUNDED", "COORDINATE_INVALID"]],
}


def generated(number: int, seed: int) -> list[dict[str, object]]:
    """Return records around corners of the grid, the poles and the antimeridian, some of which no filter lets pass."""
    rng = random.Random(seed)
    places = [(rng.uniform(-90, 90), rng.uniform(-180, 180)) for _ in range(40)]
    places += [(89.99, 0.0), (-89.99, 10.0), (10.0, 180.0), (10.0, -180.0), (58.28, 11.25), (0.0, 0.0)]
    rows: list[dict[str, object]] = []
    for _ in range(number):
        taxon, (lat, lon) = rng.randrange(5), rng.choice(places)
        names = {"kingdom": "Animalia", "phylum": "Chordata", "class": "Aves", "order": "Piciformes", "genus": "Picus"}
        species = {"species": f"Picus {'abcde'[taxon] * 4}is", "taxonkey": str(100 + taxon), "specieskey": f"{taxon}"}
        near: dict[str, object] = {
            "decimallatitude": max(-90.0, min(90.0, lat + rng.gauss(0, 0.5))) if lat else lat,
            "decimallongitude": max(-180.0, min(180.0, lon + rng.gauss(0, 0.5))) if lat else lon,
        }
        near["scientificname"] = f"{species['species']} Linnaeus, 1758"
        rows.append({**names, **species, **near, **{name: rng.choice(values) for name, values in CHOICES.items()}})
    return rows


@pytest.mark.parametrize(("filters", "months"), [(Filters(), False), (Filters(since=1800, commercial=True), True)])
def test_the_loader_counts_the_same_from_result_and_records(tmp_path: Path, filters: Filters, months: bool) -> None:
    # GIVEN a snapshot WHEN DuckDB runs the statement and the loader reads its result
    file = write_snapshot(tmp_path / "snapshot", generated(4000, seed=1))
    found = counted(aggregate(file, tmp_path / "result", filters, months), tmp_path / "work", filters, months)
    # THEN the counts are those that the loader gets from the snapshot
    expected = counted(file, tmp_path / "work", filters, months)
    assert found == expected
    assert 300 < expected.total() < 4000
    assert len(expected) > 100


def test_other_kingdoms_and_snapshots_are_not_counted(tmp_path: Path) -> None:
    rows = [*generated(50, seed=2), {"kingdom": "Plantae", "taxonkey": "7", "decimallatitude": 1.0}]
    file = write_snapshot(tmp_path / "snapshot", rows)
    with duckdb.connect() as connection:
        connection.execute(view(file, "2026-10-01"))
        assert connection.execute(query(SNAPSHOT, Filters())).fetchall() == []
    found = counted(aggregate(file, tmp_path / "result"), tmp_path / "work")
    assert {name.split()[0] for name, _, _ in found} <= {"100", "101", "102", "103", "104"}


@pytest.mark.parametrize(("commercial", "months"), [(False, False), (True, True)])
def test_athena_reads_the_statement_and_finds_every_column(commercial: bool, months: bool) -> None:
    # GIVEN the statement, parsed as Athena does
    filters = Filters(commercial=commercial)
    parsed = sqlglot.parse_one(query(SNAPSHOT, filters, months), read="athena")
    # WHEN its columns are looked up in the table of Glue's catalog THEN there is each of them
    schema: dict[str, object] = {"occurrence": {name: of_duckdb(name) for name in COLUMNS} | {"snapshot": "varchar"}}
    qualified = qualify(parsed.copy(), schema=schema, dialect="athena", validate_qualify_columns=True)
    assert [each.name for each in qualified.find_all(exp.Table) if each.name == "occurrence"] == ["occurrence"] * 2
    # AND the estimate knows which ones each scan reads
    scans = [each.find_ancestor(exp.Select) for each in qualified.find_all(exp.Table) if each.name == "occurrence"]
    read = [name for scan in scans if scan for name in {each.name for each in scan.find_all(exp.Column)} - {"snapshot"}]
    assert sorted(read) == sorted(scanned_columns(filters, months))


def test_functions_literals_and_size_are_what_athena_takes() -> None:
    text = query(SNAPSHOT, Filters(), months=True)
    parsed = sqlglot.parse_one(text, read="athena")
    # sqlglot knows Trino's functions by their classes; others would be anonymous, and some are fine
    assert {each.name.lower() for each in parsed.find_all(exp.Anonymous)} <= {"contains"}
    assert "::" not in text
    # 0.1 is a decimal on Athena, and 1e-1 a double
    numbers = [each.name for each in parsed.find_all(exp.Literal) if not each.is_string]
    assert [each for each in numbers if "." in each and "e" not in each] == []
    # 262,144 bytes: the guide of Athena about its quotas
    statement = unload(text, "s3://bucket/folder/")
    assert len(statement.encode()) < 32_000
    assert statement.endswith("to 's3://bucket/folder/' with (format = 'PARQUET', compression = 'SNAPPY')")


def test_the_estimate_is_columns_times_records_and_below_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    known = assumptions()
    assert set(scanned_columns(Filters(commercial=True), months=True)) == known.keys() - {"price", "records"}
    assert all(row["source"] and row["date"] for row in read_rows(ASSUMPTIONS))
    total = sum(known[each] for each in scanned_columns(Filters())) * known["records"]
    assert main(["athena", "--estimate"]) == 0
    said = capsys.readouterr().out
    assert f"about {total / 1e9:,.0f} GB, which cost {total / 1e12 * 5:.2f} US dollars at 5 a TB" in said
    # AND more columns cost more, and the most half of what the workgroup may scan
    assert len(list(estimate(Filters(commercial=True), months=True))) == len(list(estimate(Filters()))) + 2
    most = sum(known[each] for each in scanned_columns(Filters(commercial=True), months=True))
    limit = float(template("athena.yaml")["Parameters"]["ScanLimit"]["Default"])
    assert 2 * most * known["records"] < limit
    assert cost(limit) == 5
    # AND otherwise the command prints the statement, with its filters
    assert main(["athena", "--snapshot", SNAPSHOT, "--since", "2000", "--until", "2020"]) == 0
    assert "year not between 2000 and 2020" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["november", "2026-13-01", "2026-11-01' or '1'='1", "20261101"])
def test_a_snapshot_is_a_date(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["athena", "--snapshot", text])
    assert "is not a date; write it like 2026-11-01" in capsys.readouterr().err


class Scripted:
    """Athena's client, with the answer to each look."""

    def __init__(self, *looks: tuple[str, int]) -> None:
        self._looks = list(looks)

    def get_query_execution(self, **_: str) -> dict[str, Any]:
        state, scanned = self._looks.pop(0)
        status = {"State": state, "StateChangeReason": "Bytes scanned limit was exceeded"}
        return {"QueryExecution": {"Status": status, "Statistics": {"DataScannedInBytes": scanned}}}


def test_progress_says_how_much_was_scanned() -> None:
    now = 0.0

    def wait(_seconds: float) -> None:
        nonlocal now
        now += 12.5

    said: list[str] = []
    client = Scripted(("QUEUED", 0), ("RUNNING", 2_000_000_000), ("SUCCEEDED", 3_000_000_000))
    # WHEN waited for THEN a line every ten seconds says how far it is, and the end how much was scanned
    assert wait_for(client, "q", said.append, wait, lambda: now) == 3_000_000_000
    assert said == ["     12 s  running, 2.0 GB scanned"]

    # AND a query that Athena ends says why
    with pytest.raises(DatasetError, match=r"cancelled: Bytes scanned limit was exceeded\) after 1,000.0 GB; .*Limit"):
        wait_for(Scripted(("CANCELLED", 10**12)), "q", print, lambda _seconds: None)

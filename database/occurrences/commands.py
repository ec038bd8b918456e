"""The options of `python -m database load FILE…`, and the dataset that it loads.

What uses DuckDB is imported when it is needed: the administrative function on Lambda has the other commands without it.
"""

import csv
import io
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from chalicelib.config import casts
from database.arguments import checked
from database.dataset import Dataset, read_dataset
from database.dataset_files import FILES, DatasetError, read_text

if TYPE_CHECKING:
    from database.occurrences.filters import Filters

WORK: Final = Path(".local/occurrences")
SOURCE: Final = "occurrences"
"""The source of what records say, in the table `source`."""


def add_options(parser: ArgumentParser) -> None:
    """Add the files of occurrences, and how they count, to the parser of `load`."""
    text = "files of occurrences to combine with the ranges: docs/how-to/occurrences.md; implies --beside"
    parser.add_argument("occurrences", nargs="*", type=Path, metavar="FILE", help=text)
    text = "where to keep the counts; a second run with the same files and filters goes on there (default: %(default)s)"
    parser.add_argument("--work", type=Path, default=WORK, metavar="FOLDER", help=text)
    add_filters(parser)
    text = "records in a cell from which they widen a written range; 0 for never (default: %(default)s)"
    parser.add_argument("--widen", type=checked(casts.non_negative_int), default=0, metavar="N", help=text)
    text = "how to cite the occurrences, such as the DOI of a GBIF download"
    parser.add_argument("--citation", default="", metavar="TEXT", help=text)


def add_filters(parser: ArgumentParser) -> None:
    """Add which records count, and whether by month."""
    text = "leave out records from before this year (default: %(default)s)"
    parser.add_argument("--since", type=checked(casts.non_negative_int), default=1980, metavar="YEAR", help=text)
    text = "leave out records from after this year"
    parser.add_argument("--until", type=checked(casts.non_negative_int), default=9999, metavar="YEAR", help=text)
    text = "leave out records that are known less exactly (default: %(default)s)"
    parser.add_argument(
        "--max-uncertainty", type=checked(casts.positive_number), default=25_000, metavar="METRES", help=text
    )
    text = "leave out records whose licence forbids commercial use"
    parser.add_argument("--commercial", action="store_true", help=text)
    text = "also count each month, for the season of each animal where there are enough records"
    parser.add_argument("--months", action="store_true", help=text)


def filters_of(options: Namespace) -> "Filters":
    """Return the filters of a command's options."""
    from database.occurrences.filters import Filters

    return Filters(options.max_uncertainty, options.since, options.until, options.commercial)


def read(files: dict[str, Path], options: Namespace) -> Dataset:
    """Return the dataset of some files, as for `read_dataset`, combined with occurrences. Print progress and a report.

    Raise `DatasetError` if a file cannot be read, or DuckDB is missing.
    """
    if find_spec("duckdb") is None:
        raise DatasetError("DuckDB, which reads occurrences, is not installed; install requirements-dev.txt")
    from database.occurrences.evidence import Rules
    from database.occurrences.findings import Findings, row_report
    from database.occurrences.tables import tables_in
    from database.occurrences.workspace import Workspace

    tables = [table for file in options.occurrences for table in tables_in(file)]
    with Workspace(options.work, filters_of(options), months=options.months) as workspace:
        if workspace.is_resumed:
            print(f"counts of an earlier run are in {options.work}")
        workspace.read(tables)
        if not workspace.counts().kept:
            for line in row_report(workspace.counts()):
                print(line)
            raise DatasetError(
                "no row counts, so nothing was loaded; the lines above say why; other options may let rows pass "
                "(python -m database load --help)"
            )
        keys = _keys((FILES | files)["taxon_facts"])
        findings = Findings(workspace, keys, Rules(widen=options.widen), options.citation)
        dataset = read_dataset(files, findings)
        for line in findings.report():
            print(line)
    source = (
        SOURCE,
        "Occurrence records",
        options.citation or "Occurrence records, without a citation",
        "see citation",
    )
    return replace(dataset, sources=[*dataset.sources, source])


def _keys(taxon_facts: Path) -> dict[str, str]:
    """Return the key at GBIF of each taxon, from the column `gbif`, which is optional."""
    rows = csv.DictReader(io.StringIO(read_text(taxon_facts), newline=""))
    return {row["taxon"]: row["gbif"] for row in rows if row.get("gbif")}

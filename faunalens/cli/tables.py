"""`faunalens tables`: tables for R."""

from pathlib import Path
from typing import Any

import click

from chalicelib.model.taxonomy import RANKS
from faunalens.cli.options import FOLDER, Parsed, StudyOptions, force_option, results_argument, study_options
from faunalens.exports.files import own_files
from faunalens.study.results import ResultsFile
from faunalens.tables.camtrapr import LOCATION
from faunalens.tables.tables import KINDS, Rules, parse_days, parse_duration, write_tables
from faunalens.terminal import say, waiting


@click.command(short_help="Write tables for R: records, effort, trap rates, detection histories.")
@results_argument
@click.argument("folder", type=FOLDER)
@click.option(
    *("--independence", "gap"),
    type=Parsed("duration", parse_duration),
    default="30min",
    metavar="DURATION",
    help="Least time between two independent records of a species at a station.",
)
@click.option(
    "--compared-to",
    type=click.Choice(["lastIndependentRecord", "lastRecord"]),
    default="lastIndependentRecord",
    help="What --independence is counted from: the beginning of the last record, or the last photo.",
)
@click.option(
    "--occasion",
    type=Parsed("days", parse_days),
    default="7d",
    metavar="DAYS",
    help="Length of an occasion in the detection histories.",
)
@click.option(
    "--day1",
    type=click.Choice(["station", "survey"]),
    default="station",
    help="Begin the first occasion with the first day of each station, or with that of the whole survey.",
)
@click.option(
    "--rank",
    type=click.Choice(RANKS[1:]),
    default=RANKS[-1],
    help="Rank that counts as a species. Animals named by a wider rank have a table of their own.",
)
@click.option("--include", type=click.Choice(list(KINDS)), multiple=True, help="What to count in addition to animals.")
@click.option(
    "--station",
    default=LOCATION,
    metavar="COLUMN",
    help="Column of the table of deployments that names stations. Where it is empty, each deployment is a station.",
)
@force_option
@study_options
def tables(results: Path, folder: Path, *, force: bool, reading: StudyOptions, **rules: Any) -> None:
    """Write tables about the answers in RESULTS to FOLDER, as camtrapR makes them, with a README of their columns."""
    with ResultsFile(results, write=False) as kept, own_files(results, kept, folder, force=force):
        study, about = reading.open(kept)
        with waiting("reading the answers"):
            write_tables(study, folder, Rules(**rules), about.title)
    say(str(folder / "README.md"))

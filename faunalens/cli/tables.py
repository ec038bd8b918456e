"""`faunalens tables`: tables for R."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

import click

from chalicelib.model.taxonomy import RANKS
from faunalens.cli import options
from faunalens.cli.options import argument, grouped, option
from faunalens.exports.files import own_files
from faunalens.study.results import ResultsFile
from faunalens.tables.camtrapr import LOCATION
from faunalens.tables.tables import KINDS, Rules, parse_days, parse_duration, write_tables
from faunalens.terminal import say, waiting


def _rules(
    independence: timedelta = option(
        "Least time between two independent records of a species at a station.",
        options.Parsed("duration", parse_duration),
        default="30min",
        metavar="DURATION",
    ),
    compared_to: Literal["lastIndependentRecord", "lastRecord"] = option(
        "What --independence is counted from: the beginning of the last record, or the last photo.",
        default="lastIndependentRecord",
    ),
    occasion: int = option(
        "Length of an occasion in the detection histories.",
        options.Parsed("days", parse_days),
        default="7d",
        metavar="DAYS",
    ),
    day1: Literal["station", "survey"] = option(
        "Begin the first occasion with the first day of each station, or with that of the whole survey.",
        default="station",
    ),
    rank: str = option(
        "Rank that counts as a species. Animals named by a wider rank have a table of their own.",
        click.Choice(RANKS[1:]),
        default=RANKS[-1],
    ),
    include: Sequence[str] = option("What to count in addition to animals.", click.Choice(list(KINDS)), multiple=True),
    station: str = option(
        "Column of the table of deployments that names stations. Where it is empty, each deployment is a station.",
        default=LOCATION,
        metavar="COLUMN",
    ),
) -> Rules:
    return Rules(independence, compared_to, occasion, day1, rank, include, station)


@options.command(short_help="Write tables for R: records, effort, trap rates, detection histories.")
def tables(
    results: Path = options.RESULTS,
    folder: Path = argument(options.FOLDER),
    rules: Rules = grouped(_rules),
    force: bool = options.FORCE,
    reading: options.StudyOptions = options.READING,
) -> None:
    """Write tables about the answers in RESULTS to FOLDER, as camtrapR makes them, with a README of their columns."""
    with ResultsFile(results, write=False) as kept, own_files(results, kept, folder, force=force):
        study, about = reading.open(kept)
        with waiting("reading the answers"):
            write_tables(study, folder, rules, about.title)
    say(str(folder / "README.md"))

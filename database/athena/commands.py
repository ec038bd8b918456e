"""`python -m database athena`: count GBIF's records on AWS instead of here."""

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, date, datetime

from database.occurrences import commands as commands_of_occurrences


def add_options(parser: ArgumentParser) -> None:
    """Add what to count, and whether to print the SQL, estimate its cost or run it."""
    text = "date of GBIF's snapshot: the first day of a month (default: this month's, %(default)s)"
    today = datetime.now(UTC).date().replace(day=1).isoformat()
    parser.add_argument("--snapshot", type=_date, default=today, metavar="DATE", help=text)
    does = parser.add_mutually_exclusive_group()
    text = "print what the query scans and costs instead of its SQL"
    does.add_argument("--estimate", action="store_true", help=text)
    text = "run the query in the AWS account and region of the environment, wait for its end, and print what to load"
    does.add_argument("--run", action="store_true", help=text)
    text = "workgroup of Athena to run in (default: %(default)s, of infra/athena.yaml)"
    parser.add_argument("--workgroup", default="faunalens-occurrences", metavar="NAME", help=text)
    commands_of_occurrences.add_filters(parser)


def count(options: Namespace) -> int:
    """Print the query, or its cost, or run it. Raise `DatasetError` if it fails."""
    from database.athena.estimate import estimate
    from database.athena.query import query
    from database.athena.run import next_steps, run

    filters = commands_of_occurrences.filters_of(options)
    if options.estimate:
        lines = list(estimate(filters, options.months))
    else:
        statement = query(options.snapshot, filters, options.months)
        lines = [statement]
        if options.run:
            lines = next_steps(run(statement, options.snapshot, options.workgroup), options.months)
    for line in lines:
        print(line)
    return 0


def _date(text: str) -> str:
    """Return a date as it is in the name of a snapshot's folder, which goes into the SQL."""
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise ArgumentTypeError(f"'{text}' is no date such as 2026-11-01")

"""Options that deploy and template share."""

import argparse
from pathlib import Path

from cloudwatch.files import check_stage
from cloudwatch.limits import ACCOUNT
from cloudwatch.project import DASHBOARDS


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add `--stage`, `--topic`, `--runbook`, `--containers` and `--folder`."""
    parser.add_argument("--stage", required=True, type=_stage, help="dev, prod or another: part of every name")
    parser.add_argument(
        "--topic", default="", help="ARN that alarms tell (default: the stage's faunalens-STAGE-alarms)"
    )
    parser.add_argument(
        "--runbook", help="URL of the runbook (default: docs/how-to/runbook.md on the page of git's origin)"
    )
    parser.add_argument(
        "--containers",
        type=_count,
        default=ACCOUNT,
        metavar="N",
        help="how many the account lets run at once, for a stage without reserved_concurrency (default: %(default)s)",
    )
    parser.add_argument("--folder", type=Path, default=DASHBOARDS, help="other files than those of dashboards/")


def _count(text: str) -> str:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'"{text}" is no number of containers; write one such as 10')
    return str(int(text))


def _stage(text: str) -> str:
    try:
        return check_stage(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None

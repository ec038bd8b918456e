"""The options that deploy and template share."""

import argparse
from pathlib import Path

from cloudwatch.files import check_stage
from cloudwatch.limits import ACCOUNT
from cloudwatch.project import DASHBOARDS, RUNBOOK


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add `--stage`, `--topic`, `--runbook`, `--containers` and `--folder`."""
    parser.add_argument("--stage", required=True, type=_stage, help="dev, prod or another; part of every name")
    parser.add_argument(
        "--topic", default="", help="ARN of the SNS topic that alarms notify (default: faunalens-STAGE-alarms)"
    )
    parser.add_argument("--runbook", help=f"URL of the runbook (default: {RUNBOOK} on the web page of git's origin)")
    parser.add_argument(
        "--containers",
        type=_count,
        default=ACCOUNT,
        metavar="N",
        help="the account's limit of containers, for a stage without reserved_concurrency (default: %(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=DASHBOARDS,
        help="folder that holds the dashboard and alarm files (default: dashboards)",
    )


def _count(text: str) -> str:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f'"{text}" is not a number of containers; write one such as 10')
    return str(int(text))


def _stage(text: str) -> str:
    try:
        return check_stage(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None

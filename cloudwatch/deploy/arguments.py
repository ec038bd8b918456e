"""The options that deploy and template share."""

import argparse
import re
from pathlib import Path

from cloudwatch.limits import ACCOUNT
from cloudwatch.project import DASHBOARDS, RUNBOOK


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add `--stage`, `--topic`, `--runbook`, `--containers` and `--folder`."""
    parser.add_argument(
        "--stage",
        required=True,
        type=check_stage,
        help="stage, such as dev or prod; the names of all resources contain it",
    )
    parser.add_argument(
        "--topic", default="", help="ARN of the SNS topic that alarms notify (default: faunalens-STAGE-alarms)"
    )
    parser.add_argument(
        "--runbook", help=f"URL of the runbook (default: {RUNBOOK} on the website of git's remote origin)"
    )
    parser.add_argument(
        "--containers",
        type=_count,
        default=ACCOUNT,
        metavar="N",
        help="the account's limit of containers; used if the stage has no reserved_concurrency (default: %(default)s)",
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=DASHBOARDS,
        help="folder of the dashboard and alarm files (default: dashboards)",
    )


def _count(text: str) -> str:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(
            f'"{text}" is not a valid number of containers; write a whole number above 0, such as 10'
        )
    return str(int(text))


def check_stage(text: str) -> str:
    """Return the name of a stage. Raises `ArgumentTypeError` if it is invalid.

    A stage name must not contain a dash. The resource names of a stage `dev-eu` would start with the prefix of stage
    `dev`, so a deploy of `dev` would remove the resources of `dev-eu`.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{0,15}", text):
        message = f'invalid stage "{text}"; use up to 16 lower-case letters and digits, such as dev or prod'
        raise argparse.ArgumentTypeError(message)
    return text

"""`python -m cloudwatch lint [FOLDER]`: every finding on a line of its own, or one line of counts."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudwatch.files import FOLDER
from cloudwatch.lint.folder import lint

_EPILOG = "Exit code 1 if anything is wrong. docs/reference/dashboards-tools.md lists the rules."


def main(arguments: Sequence[str]) -> int:
    """Check a folder. Returns 0, or 1 with all findings on standard output."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch lint",
        description="Check dashboards, alarms, composites and queries against CloudWatch's rules and against the "
        "metrics that the code emits, both ways. Asks nothing of AWS.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=FOLDER,
        help="laid out like dashboards/, with docs/how-to/runbook.md and infra/cost.py beside it (default: dashboards)",
    )
    report = lint(parser.parse_args(arguments).folder.resolve())
    for finding in report.findings:
        print(finding)
    if report.findings:
        things = "one thing is" if len(report.findings) == 1 else f"{len(report.findings)} things are"
        print(f"{things} wrong", file=sys.stderr)
        return 1
    print(f"nothing is wrong with {report.summary()}")
    return 0

"""`python -m cloudwatch lint [FOLDER]`: print one line for each finding. Without findings, print what was checked."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudwatch.lint.folder import lint
from cloudwatch.project import COST, DASHBOARDS, RUNBOOK, TOOLS_GUIDE


def main(arguments: Sequence[str]) -> int:
    """Check a folder. Return 0, or 1 if there are findings."""
    parser = argparse.ArgumentParser(
        prog="python -m cloudwatch lint",
        description="Check dashboards, alarms, composites and queries against CloudWatch's rules. Check that they use "
        "only metrics that exist, and that they use every metric that the app emits. Needs no AWS account.",
        epilog=f"The exit code is 1 if there are findings. {TOOLS_GUIDE} lists the rules.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=DASHBOARDS,
        help=f"folder to check, laid out like dashboards/; its parent has {RUNBOOK} and {COST} (default: dashboards)",
    )
    result = lint(parser.parse_args(arguments).folder.resolve())
    for finding in result.findings:
        print(finding)
    if count := len(result.findings):
        print(f"{count} problem{'s' * (count > 1)} found", file=sys.stderr)
        return 1
    print(f"no problems found in {', '.join(f'{count} {what}' for what, count in result.counts().items())}")
    return 0

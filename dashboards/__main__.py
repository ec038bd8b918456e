"""Check and show dashboards, alarms and saved queries: `python -m dashboards --help`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from dashboards.project import TOOLS_GUIDE

COMMANDS = {"lint": "dashboards.lint.folder", "preview": "dashboards.preview.server"}
"""Name of a command → its module, which has `main(arguments) -> exit code`."""
HELP = "lint checks all files against CloudWatch's rules and the code; preview shows the dashboards in a browser"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return its exit code, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="python -m dashboards",
        description="Check and show dashboards, alarms and saved queries, without an AWS account.",
        epilog=f"python -m dashboards COMMAND --help shows the options; {TOOLS_GUIDE} explains the commands.",
    )
    parser.add_argument("command", choices=COMMANDS, help=HELP)
    parser.add_argument("options", nargs=argparse.REMAINDER, help="options of the command")
    chosen = parser.parse_args(arguments)
    try:
        return int(import_module(COMMANDS[chosen.command]).main(chosen.options))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())

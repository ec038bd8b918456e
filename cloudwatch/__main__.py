"""Check and show dashboards, alarms and saved queries: `python -m cloudwatch --help`."""

import sys
from collections.abc import Sequence
from importlib import import_module

from cloudwatch.project import TOOLS_GUIDE

COMMANDS = {
    "lint": ("cloudwatch.lint.folder", "check all files against CloudWatch's rules and against the code"),
    "preview": ("cloudwatch.preview.server", "show the dashboards in a browser, without an AWS account"),
}
"""Name of a command → its module and its help text. Each module has `main(arguments) -> exit code`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return its exit code, 2 if the command is missing or unknown, or 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words[0] if words else ""
    if command in ("-h", "--help"):
        print(usage())
        return 0
    if command not in COMMANDS:
        problem = f'there is no command "{command}"' if command else "a command is missing"
        print(f"error: {problem}\n\n{usage()}", file=sys.stderr)
        return 2
    module, _ = COMMANDS[command]
    try:
        return int(import_module(module).main(words[1:]))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130


def usage() -> str:
    """Return the help text, which lists the commands."""
    lines = "\n".join(f"  {name:<10}{help_}" for name, (_, help_) in COMMANDS.items())
    more = f"python -m cloudwatch COMMAND --help shows the options; {TOOLS_GUIDE} explains the commands."
    return f"usage: python -m cloudwatch COMMAND [options]\n\n{lines}\n\n{more}"


if __name__ == "__main__":
    sys.exit(main())

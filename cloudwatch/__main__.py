"""Dashboards, alarms and saved queries: check, see, put. `python -m cloudwatch --help`."""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "lint": ("cloudwatch.lint.command", "check all files against CloudWatch's rules and against the code"),
    "preview": ("cloudwatch.preview.server", "look at the dashboards without an AWS account"),
    "simulate": ("cloudwatch.simulation.command", "write a day with a spike and two faults, for the preview"),
    "render": ("cloudwatch.preview.render", "write the dashboards as static pages and pictures"),
    "deploy": ("cloudwatch.deploy.command", "show what differs from AWS, then put it there"),
    "template": ("cloudwatch.deploy.template", "print all of it as a CloudFormation template"),
}
"""Command → module with `main(arguments) -> exit code`, imported when it is asked for: each has its own libraries."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0, 1 after words on standard error that say what to do, 130 by Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words[0] if words else ""
    if command in ("-h", "--help"):
        print(usage())
        return 0
    if command not in COMMANDS:
        told = f'there is no command "{command}"' if command else "say which command"
        print(f"error: {told}\n\n{usage()}", file=sys.stderr)
        return 2
    module, _ = COMMANDS[command]
    try:
        return int(import_module(module).main(words[1:]))
    except KeyboardInterrupt:
        print("\nended by you", file=sys.stderr)
        return 130


def usage() -> str:
    """Every command with what it does."""
    lines = [f"  {name:<10}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: python -m cloudwatch COMMAND [options]; python -m cloudwatch COMMAND --help tells the options",
            "",
            *lines,
            "",
            "docs/reference/dashboards-tools.md has more.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

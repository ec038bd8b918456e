"""Run commands of Chalice, such as `chalice deploy`, on a checkout."""

import sys
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra import program
from infra.step import Echo


def command_line(project: Path, *arguments: str) -> list[str]:
    """Return the command line that runs Chalice with this Python, whose version becomes Lambda's runtime."""
    code = "import sys; from chalice.cli import main; sys.exit(main())"
    return [sys.executable, "-c", code, "--project-dir", str(project), *arguments]


def run(command: str, stage: str, region: str, echo: Echo, project: Path = ROOT) -> None:
    """Run `chalice COMMAND --stage STAGE` and print its output. If it fails, raise `PreconditionFailed`."""
    arguments = command_line(project, command, "--stage", stage)
    environment = {"AWS_DEFAULT_REGION": region}  # Chalice has no option for the region
    program.run(f"chalice {command}", arguments, echo, environment)

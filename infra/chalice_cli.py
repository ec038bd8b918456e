"""Run Chalice's own commands on a checkout."""

import os
import subprocess
import sys
from pathlib import Path

from chalicelib.config.settings import ROOT
from infra.step import Echo, PreconditionFailed


def command_line(project: Path, *arguments: str) -> list[str]:
    """Return the command line of a Chalice command. It runs on this Python, which decides Lambda's runtime."""
    program = "import sys; from chalice.cli import main; sys.exit(main())"
    return [sys.executable, "-c", program, "--project-dir", str(project), *arguments]


def run(command: str, stage: str, region: str, echo: Echo, project: Path = ROOT) -> None:
    """Run `chalice COMMAND --stage STAGE` and print its output. Raise `PreconditionFailed` with its last line.

    Chalice has no option for the region; boto3 reads it from the environment.
    """
    last = ""
    with subprocess.Popen(
        command_line(project, command, "--stage", stage),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=project,
        env={**os.environ, "AWS_DEFAULT_REGION": region},
    ) as process:
        for line in process.stdout or ():
            if line.strip():
                last = line.strip()
                echo(last)
    if process.returncode:
        raise PreconditionFailed(f"chalice {command} exited with code {process.returncode}: {last}")

"""Run another program as part of a step."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from chalicelib.config.settings import ROOT
from infra.step import Echo, PreconditionFailed


def run(name: str, command: Sequence[str], echo: Echo, environment: Mapping[str, str] | None = None) -> None:
    """Run a command and print its output. If it fails, raise `PreconditionFailed` with the last line of the output."""
    last, pipe = "", subprocess.PIPE
    variables = {**os.environ, **(environment or {})}
    with subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=variables
    ) as process:
        for line in process.stdout or ():
            if line.strip():
                last = line.rstrip()
                echo(last)
    if process.returncode:
        raise PreconditionFailed(f"{name} exited with code {process.returncode}: {last.strip()}")

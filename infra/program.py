"""Run another program as part of a step."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from chalicelib.config.settings import ROOT
from infra.step import Echo, PreconditionFailed


def run(name: str, command: Sequence[str], echo: Echo, environment: Mapping[str, str] | None = None) -> None:
    """Run a command in the checkout and print its output. Raise `PreconditionFailed` with its last line on failure.

    `name`: the program in the error message. `environment`: variables to add.
    """
    last = ""
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    ) as process:
        for line in process.stdout or ():
            if line.strip():
                last = line.rstrip()
                echo(last)
    if process.returncode:
        raise PreconditionFailed(f"{name} exited with code {process.returncode}: {last.strip()}")

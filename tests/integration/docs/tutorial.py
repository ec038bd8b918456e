"""Tutorials whose commands are run as they stand there, in their order."""

import re
import subprocess
import sys
from pathlib import Path

from chalicelib.config.settings import ROOT


def lines_of(text: str) -> list[str]:
    """Return the lines of code of a page."""
    return [line.removeprefix("    ") for line in text.splitlines() if line.startswith("    ")]


def run(
    text: str, not_here: re.Pattern[str], folder: Path, cache_home: Path, *more: str, may_leave_some: bool = False
) -> str:
    """Run a page's lines of shell, without those of `not_here`, in an empty folder. Return standard error.

    `may_leave_some`: whether `faunalens` may end with 3, because some photos have no answer.
    """
    script = [line.replace(".venv/bin/python", "python") for line in lines_of(text) if not not_here.match(line)]
    ours = f"PYTHONPATH={ROOT} XDG_CACHE_HOME={cache_home} {sys.executable}"
    or_three = "|| [ $? -eq 3 ]" if may_leave_some else ""
    functions = f'faunalens() {{ {ours} -m faunalens "$@" {or_three}; }}; python() {{ {ours} "$@"; }}'
    shell = ["sh", "-euc", "\n".join([functions, *script, *more])]
    done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr

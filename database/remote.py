"""The commands of `python -m database` for a caller elsewhere: what they said comes back as text."""

from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from database.__main__ import main


def run(command: Sequence[str]) -> dict[str, Any]:
    """Run one command, such as `["load", "--keep", "2"]`. Returns its exit `code` and all that it `said`."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = main(command)
        except SystemExit as end:  # how argparse ends: with a usage, or after --help
            code = int(end.code or 0)
    return {"code": code, "said": said.getvalue()}

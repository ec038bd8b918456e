"""The commands of `python -m database` for a caller elsewhere: what they said comes back as text."""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from database.__main__ import main

_NONE = 'error: the event has no command; send one of `python -m database`, such as {"command": ["list"]}\n'


def run(event: object) -> dict[str, Any]:
    """Run the command of an event, such as `{"command": ["load", "--keep", "2"]}`.

    Returns its exit `code` and all that it `said`. Nothing but a list of texts is a command: without one, `main` would
    take this process's own arguments. One at a time, since what is said is caught for the whole process.
    """
    command = event.get("command") if isinstance(event, dict) else None
    if not isinstance(command, list) or not all(isinstance(each, str) for each in command):
        return {"code": 2, "said": _NONE}
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = main(command)
        except SystemExit as end:  # how argparse ends: with a usage, or after --help
            code = int(end.code or 0)
    return {"code": code, "said": said.getvalue()}

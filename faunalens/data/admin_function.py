"""The Lambda function `admin`: run a command of `python -m faunalens.data` and return its output."""

from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

from faunalens.data.__main__ import main

_NO_COMMAND = (
    'error: the event has no command; send the arguments of `python -m faunalens.data`: {"command": ["list"]}\n'
)


def run(event: object) -> dict[str, Any]:
    """Run the command in an event such as `{"command": ["list"]}`.

    Return its exit code as `code`, its output as `said`. Calls in one process must not overlap: outputs would mix.
    """
    command = event.get("command") if isinstance(event, dict) else None
    if not isinstance(command, list) or not all(isinstance(each, str) for each in command):
        return {"code": 2, "said": _NO_COMMAND}
    output = StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        try:
            code = main(command)
        except SystemExit as exit_:  # argparse, after a usage error or --help
            code = int(exit_.code or 0)
    return {"code": code, "said": output.getvalue()}

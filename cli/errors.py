"""The error that stops the command `faunalens`, and the command's exit codes."""

from enum import IntEnum
from typing import ClassVar

import click


class Exit(IntEnum):
    """The exit codes of `faunalens`. docs/reference/cli.md describes them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SOME_FAILED = 3
    RUNNING = 4
    INTERRUPTED = 130


class CommandError(click.ClickException):
    """The command cannot go on. The message says what happened, what was expected and what to do."""

    exit_code: ClassVar[int] = Exit.FAILED

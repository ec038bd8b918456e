"""Errors of what is installed, which go on with the tree in chalicelib/errors.py, and exit codes of the command.

FaunalensError
  CommandError      what was asked for cannot be done
    UsageError      options contradict each other, or the files
"""

from enum import IntEnum

from chalicelib.errors import FaunalensError


class Exit(IntEnum):
    """The exit codes of `faunalens`. docs/reference/cli.md describes them."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    SOME_FAILED = 3
    RUNNING = 4
    INTERRUPTED = 130


class CommandError(FaunalensError):
    """What was asked for cannot be done. The message says what happened, what was expected and what to do."""


class UsageError(CommandError):
    """Options contradict each other, or the files that they name."""

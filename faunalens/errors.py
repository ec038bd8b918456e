"""The installed package's errors, which continue the tree in chalicelib/errors.py, and the command's exit codes.

FaunalensError
  CommandError      what was asked for cannot be done
    UsageError      options contradict each other or the files that they name
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
    """Options contradict each other or the files that they name."""

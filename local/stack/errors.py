"""Errors of local runs. Each is printed as one line, without a stack trace.

LocalError          a local run cannot go on
  NotReady          a child process exited, or was not ready in time
"""


class LocalError(Exception):
    """A local run cannot go on. The message says what happened, what was expected and what to do."""


class NotReady(LocalError):
    """A child process exited by itself, or was not ready in time."""

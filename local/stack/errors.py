"""Errors of local runs. Each is printed as one line, without a stack trace.

LocalError          a local run cannot continue
  NotReady          a child process exited, or was not ready in time
"""


class LocalError(Exception):
    """An error that ends a local run. Its message says what happened, what was expected and what to do."""


class NotReady(LocalError):
    """A child process that exited by itself, or was not ready in time."""

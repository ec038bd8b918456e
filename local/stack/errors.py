"""What can go wrong while something is started here.

LocalError          one clear line for whoever typed the command; no stack trace
  NotReady          a child process ended, or was not ready in time
  PortTaken         another program listens on the port that was asked for
"""


class LocalError(Exception):
    """Says what happened, what was expected and what to do, in one line."""


class NotReady(LocalError):
    """A child process ended by itself, or did not become ready in time."""


class PortTaken(LocalError):
    """Another program listens on the port."""

"""The log of a command, `--log FILE`: what happened and when, for people who look at it the next morning."""

import logging
from pathlib import Path

from chalicelib.redaction import inert

LOG = logging.getLogger("faunalens")
"""Gets what the command says, and every photo without an answer. Without `--log`, nothing becomes of it."""
LOG.propagate = False
LOG.addHandler(logging.NullHandler())


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line. Line breaks and control characters, as in names of files, are replaced."""
        return inert(super().format(record), kept="")


def open_log(path: Path) -> None:
    """Append to a file what is logged from now on. Raises `OSError`, and `ValueError` if it is a results file."""
    with path.open("ab+") as file:
        file.seek(0)
        if file.read(6) == b"SQLite":
            raise ValueError(f"{path} is a results file; choose another name")
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)


def close_log(code: int) -> None:
    """Log the exit code, and close the log if there is one."""
    LOG.info("ended with code %d", code)
    for handler in LOG.handlers[1:]:
        LOG.removeHandler(handler)
        handler.close()

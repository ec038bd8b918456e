"""The log of a command, `--log FILE`: what happened and when, for people who look at it the next morning."""

import logging
from pathlib import Path

import click

from chalicelib.config import VERSION
from chalicelib.redaction import inert

LOG = logging.getLogger("faunalens")
"""Gets what the command says, and every photo without an answer. Without `--log`, nothing becomes of it."""
LOG.propagate = False
LOG.addHandler(logging.NullHandler())


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line. Line breaks and control characters, as in names of files, are replaced."""
        return inert(super().format(record), kept="")


def _open(context: click.Context, option: click.Parameter, path: Path | None) -> None:
    if path is None or context.resilient_parsing:
        return
    try:
        with path.open("ab+") as file:
            file.seek(0)
            if file.read(6) == b"SQLite":
                raise click.BadParameter(f"{path} is a results file; choose another name", context, option)
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be written ({error.strerror})", context, option) from error
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s"))
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.info("%s began, version %s", context.command_path, VERSION)


def close_log(code: int) -> None:
    """Log the exit code, and close the log if there is one."""
    LOG.info("ended with code %d", code)
    for handler in LOG.handlers[1:]:
        LOG.removeHandler(handler)
        handler.close()


OPTION = click.Option(
    ["--log"],
    type=click.Path(path_type=Path, dir_okay=False),
    expose_value=False,
    callback=_open,
    help="Append to FILE what happened and when: every warning, and every photo without an answer.",
)
"""An option of every command."""

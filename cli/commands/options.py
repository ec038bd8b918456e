"""Options and types of values that several commands share."""

from collections.abc import Callable
from math import isnan
from pathlib import Path
from typing import Any, Never

import click


class Parsed[T](click.ParamType[T]):
    """A value that a function parses; its `ValueError` becomes the message. `name`: shown in the help."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name, self._parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """Parse a value of the command line."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # parsed before
        try:
            return self._parse(value)
        except ValueError as error:
            self._refuse(str(error), param, ctx)

    def _refuse(self, message: str, param: click.Parameter | None, ctx: click.Context | None) -> Never:
        raise click.BadParameter(message, ctx, param)


class Degrees(click.FloatRange):
    """Decimal degrees up to a limit on both sides. Unlike a range of click's, none that are no number (nan)."""

    def __init__(self, limit: int) -> None:
        super().__init__(-limit, limit)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Parse degrees of the command line."""
        degrees = super().convert(value, param, ctx)
        if isnan(degrees):
            self.fail(f"'{value}' is no number of degrees", param, ctx)
        return degrees


FILE = click.Path(path_type=Path, dir_okay=False)
EXISTING_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False)
ANY_PATH = click.Path(readable=False, allow_dash=True)
"""A text that a shell completes as a file; the command itself says what is wrong with it."""
EXISTING_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)

results_argument = click.argument("results", type=FILE, metavar="RESULTS")
"""The results file of a command that reads it."""


def expect_other(results: Path, *targets: Path | None) -> None:
    """Raise `UsageError` if a file to write is the results file, which has all answers and reviews."""
    for target in targets:
        if target and target.exists() and target.samefile(results):
            raise click.UsageError(f"{target} is the results file, and would be overwritten; choose another name")


_STUDY = (
    click.option(
        "--metadata",
        type=EXISTING_FILE,
        metavar="FILE",
        help="JSON with title, contributors, licenses and project, as in Camtrap DP's datapackage.json.",
    ),
    click.option(
        "--event-gap",
        type=click.IntRange(0),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="Photos of one deployment that follow each other within this time are one event.",
    ),
    click.option(
        "--round-coordinates",
        type=click.FloatRange(0, 10),
        default=0.0,
        metavar="DEGREES",
        help="Round coordinates, such as to 0.1, to protect sensitive species; the output says so.",
    ),
)


def study_options[F: Callable[..., Any]](command: F) -> F:
    """Add the options with which a command reads a study: `--metadata`, `--event-gap` and `--round-coordinates`."""
    for option in reversed(_STUDY):
        command = option(command)
    return command

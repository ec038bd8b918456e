"""The options, and the types of their values, that several commands share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import reduce, wraps
from inspect import signature
from math import isnan
from pathlib import Path
from typing import Any

import click

from chalicelib.config import VERSION
from faunalens.engines.place import Place
from faunalens.exports.description import Description, read_description
from faunalens.log import LOG, open_log
from faunalens.study.deployments import PlaceOptions, parse_shift, read_deployments
from faunalens.study.results import ResultsFile
from faunalens.study.study import Study
from faunalens.terminal import warn
from faunalens.words import count


class Parsed[T](click.ParamType[T]):
    """An option's type: `parse` parses the value; its `ValueError` becomes the message. `name`: shown in the help."""

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name, self._parse = name, parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # parsed before
        try:
            return self._parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, param) from error


FILE = click.Path(path_type=Path, dir_okay=False)
EXISTING_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False)
EXISTING_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
FOLDER.name = EXISTING_FOLDER.name = "folder"
ANY_PATH = click.Path(readable=False, allow_dash=True)
"""A text that a shell completes as a file; the command itself says what is wrong with it."""
ANY_PATH.name = "file"

results_argument = click.argument("results", type=FILE)
"""The results file of a command that reads it."""


def add_options[C](options: Iterable[Callable[[C], C]]) -> Callable[[C], C]:
    """Return a decorator that adds options to a command, in this order."""
    return lambda command: reduce(lambda changed, option: option(changed), reversed(tuple(options)), command)


def grouped[T, R](
    name: str, value: Callable[..., T], *options: Callable[[Any], Any]
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Return a decorator that adds `options` to a command, which gets their values as one object, its argument `name`.

    `value`: makes the object. Its own parameters have the names of the options.
    """
    own = tuple(signature(value).parameters)

    def add(command: Callable[..., R]) -> Callable[..., R]:
        @wraps(command)
        def with_value(*context: Any, **given: Any) -> R:
            made = value(**{each: given.pop(each) for each in own})
            return command(*context, **{name: made}, **given)

        added: Callable[..., R] = add_options(options)(with_value)
        return added

    return add


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """The values of the options on how to read a study. `metadata`: a file about it.

    `event_gap`: seconds between events. `round_coordinates`: degrees, or None. `file_times`: whether photos without a
    time get the time of their file.
    """

    metadata: Path | None
    event_gap: int
    round_coordinates: float | None
    file_times: bool

    def study(self, results: ResultsFile, zone: tzinfo | None = None, precision: float = 0.0) -> Study:
        """Return the study in a results file.

        `zone`: the time zone of clocks for which the table of deployments has none. `precision`: degrees to which
        coordinates are rounded, with a warning, if --round-coordinates is not given.
        """
        if self.round_coordinates is None and precision:
            warn(f"coordinates for others are rounded to {precision:g}°; --round-coordinates 0 leaves them exact")
        rounded = precision if self.round_coordinates is None else self.round_coordinates
        return Study(results, self.event_gap, zone, rounded, file_times=self.file_times)

    def open(self, results: ResultsFile, precision: float = 0.0) -> tuple[Study, Description]:
        """Return the study, and what people say of it. Warn of photos without a time. `precision`: as for `study`."""
        study = self.study(results, precision=precision)
        if untimed := study.untimed:
            warn(f"{count(untimed, 'photo has')} no time: each is an event of its own")
        return study, read_description(self.metadata, study.folder)


PUBLIC = 0.01
"""Degrees to which coordinates for others are rounded, 1.1 km: A. D. Chapman, "Current Best Practices for
Generalizing Sensitive Species Occurrence Data" (GBIF, 2020), has it for medium sensitivity, and 0.1 for high."""
event_gap = click.option(
    "--event-gap",
    type=click.IntRange(0),
    default=60,
    metavar="SECONDS",
    help="Photos of one deployment that follow each other within this time are one event.",
)
"""The option that says what an event is."""
file_times = click.option(
    "--file-times",
    is_flag=True,
    help="Give photos without a time in EXIF the time of their file, which may be when it was copied.",
)
study_options = grouped(
    "reading",
    StudyOptions,
    click.option(
        "--metadata",
        type=EXISTING_FILE,
        help="JSON with title, contributors, licenses and project, as in Camtrap DP's datapackage.json.",
    ),
    event_gap,
    click.option(
        "--round-coordinates",
        type=click.FloatRange(0, 10),
        metavar="DEGREES",
        help=f"Round coordinates; 0 leaves them exact. By default to {PUBLIC} where others may read them (Camtrap DP, "
        "Darwin Core, report), to protect cameras and animals.",
    ),
    file_times,
)
"""The options with which a command reads a study. It gets their values as `reading`, `StudyOptions`."""


def _placed(deployments: Path | None, lat: float | None, lon: float | None, shift: timedelta | None) -> PlaceOptions:
    if (lat is None) != (lon is None):
        raise click.UsageError("only one of --lat and --lon is given; give both or neither")
    if lat is not None and lon is not None and isnan(lat + lon):  # click's ranges let it pass
        raise click.UsageError("'nan' is not a number of degrees; give --lat and --lon as decimal degrees")
    table = read_deployments(deployments) if deployments else None
    return PlaceOptions(table, None if lat is None else Place("given", lat, lon), shift)


place_options = grouped(
    "given",
    _placed,
    click.option(
        "--deployments",
        type=EXISTING_FILE,
        help="CSV with the columns of Camtrap DP's deployments, plus `folder` (below the study's folder) and "
        "`timezone`: where each camera stood, and the zone of its clock.",
    ),
    click.option(
        "--lat",
        type=click.FloatRange(-90, 90),
        metavar="DEGREES",
        help="Latitude of photos without a deployment; it overrides EXIF.",
    ),
    click.option(
        "--lon", type=click.FloatRange(-180, 180), metavar="DEGREES", help="Longitude of photos without a deployment."
    ),
    click.option(
        "--shift",
        type=Parsed("duration", parse_shift),
        metavar="DURATION",
        help="Add this to the cameras' clocks, such as +1h or -2d30m. It holds for later runs until another is given.",
    ),
)
"""The options that say where and when photos were taken. The command gets their values as `given`, `PlaceOptions`."""


force_option = click.option(
    "--force", is_flag=True, help="Overwrite files that no export of this study made, or that changed since."
)
"""The option of commands that write files."""


def _log(context: click.Context, option: click.Parameter, path: Path | None) -> None:
    if path is None or context.resilient_parsing:
        return
    try:
        open_log(path)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from error
    except OSError as error:
        raise click.BadParameter(f"{path} cannot be written ({error.strerror})", context, option) from error
    LOG.info("%s began, version %s", context.command_path, VERSION)


log_option = click.Option(
    ["--log"],
    type=click.Path(path_type=Path, dir_okay=False),
    expose_value=False,
    callback=_log,
    help="Append to FILE what happened and when: every warning, and every photo without an answer.",
)
"""An option of every command."""

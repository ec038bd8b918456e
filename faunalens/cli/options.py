"""How a command declares its options, and the options and types of values that several commands share.

The default of a parameter declares its option: `top: int = option("Number of …", default=5)`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import wraps
from inspect import Parameter, signature
from math import isnan
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

import click

from chalicelib.config import VERSION
from faunalens.engines.place import Place
from faunalens.exports.description import Description, read_description
from faunalens.study.deployments import PlaceOptions, parse_shift, read_deployments
from faunalens.study.results import ResultsFile
from faunalens.study.study import Study
from faunalens.terminal import LOG, open_log, warn
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
ANY = click.Path(path_type=Path, exists=True)
EXISTING_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
FOLDER = click.Path(path_type=Path, file_okay=False)
EXISTING_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)
FOLDER.name = EXISTING_FOLDER.name = "folder"
ANY_PATH = click.Path(readable=False, allow_dash=True)
"""A text that a shell completes as a file; the command itself says what is wrong with it."""
ANY_PATH.name = "file"


class _Declared(NamedTuple):
    """What the default of a parameter declares. `made`: returns click's parameters for the parameter's name and type.

    `value`: returns the parameter's value, given those of several options, which `value`'s own parameters declare.
    """

    made: Callable[[str, Any], Iterable[click.Parameter]]
    value: Callable[..., Any] | None = None


def option(text: str, kind: Any = None, *names: str, **more: Any) -> Any:
    """Declare an option. `names`: by default `--` and the name of its parameter. `text`: for the help.

    `kind`: click's type. Without it, a parameter that is a `bool` makes a flag, and a `Literal` a choice of its words.
    """

    def made(name: str, annotation: Any) -> Iterable[click.Parameter]:
        literals = [each for each in (annotation, *get_args(annotation)) if get_origin(each) is Literal]
        known = kind or (click.Choice(get_args(literals[0])) if literals else None)
        flag: dict[str, Any] = {"is_flag": True} if annotation is bool else {}
        yield click.Option([name, *(names or (f"--{name.replace('_', '-')}",))], type=known, help=text, **flag, **more)

    return _Declared(made)


def flags(**texts: str) -> Any:
    """Declare flags for one parameter, whose value is the name of the flag given. `texts`: for the help, by flag."""
    return _Declared(
        lambda name, _: (click.Option([f"--{each}", name], flag_value=each, help=text) for each, text in texts.items())
    )


def argument(kind: click.ParamType[Any], **more: Any) -> Any:
    """Declare an argument. `kind`: click's type."""
    return _Declared(lambda name, _: [click.Argument([name], type=kind, **more)])


def grouped(value: Callable[..., Any]) -> Any:
    """Declare the options that the parameters of `value` declare; the parameter's value is what `value` returns."""
    return _Declared(lambda *_: _declared_by(value), value)


def command(*names: str, of: click.Group | None = None, **more: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a command of a function, with the options that its parameters declare, in their order. `of`: its group."""

    def made(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def called(**given: Any) -> Any:
            return function(**_values(function, given), **given)

        return (of or click).command(*names, params=list(_declared_by(function)), **more)(called)

    return made


def _declared(function: Callable[..., Any]) -> Iterator[tuple[Parameter, _Declared]]:
    for each in signature(function).parameters.values():
        if isinstance(each.default, _Declared):
            yield each, each.default


def _declared_by(function: Callable[..., Any]) -> Iterator[click.Parameter]:
    for each, declared in _declared(function):
        yield from declared.made(each.name, each.annotation)


def _values(function: Callable[..., Any], given: dict[str, Any]) -> dict[str, Any]:
    """Take the values of the options that a function's parameters declare out of `given`, and return them by name."""
    return {
        each.name: declared.value(**_values(declared.value, given)) if declared.value else given.pop(each.name)
        for each, declared in _declared(function)
    }


CONTEXT = grouped(click.get_current_context)
ENVIRONMENT = grouped(lambda: click.get_current_context().obj)
"""The environment variables, as the command was called with them."""
RESULTS = argument(FILE)
JSON = option("Print one JSON object.", None, "--json")
FORCE = option("Overwrite files that no export of this study made, or that changed since.")
PUBLIC = 0.01
"""Degrees to which coordinates for others are rounded, 1.1 km: A. D. Chapman, "Current Best Practices for
Generalizing Sensitive Species Occurrence Data" (GBIF, 2020), gives it for medium sensitivity, and 0.1 for high."""
EVENT_GAP = option(
    "Photos of one deployment that follow each other within this time are one event.",
    click.IntRange(0),
    default=60,
    metavar="SECONDS",
)
FILE_TIMES = option("Give photos without a time in EXIF the time of their file, which may be when it was copied.")


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """The values of the options on how to read a study. `metadata`: a JSON file about it, or None.

    `event_gap`: longest time between two photos of an event, in seconds. `round_coordinates`: degrees, or None.
    `file_times`: whether photos without a time get the time of their file.
    """

    metadata: Path | None = option(
        "JSON with title, contributors, licenses and project, as in Camtrap DP's datapackage.json.", EXISTING_FILE
    )
    event_gap: int = EVENT_GAP
    round_coordinates: float | None = option(
        f"Round coordinates; 0 leaves them exact. By default to {PUBLIC} where others may read them (Camtrap DP, "
        "Darwin Core, report), to protect cameras and animals.",
        click.FloatRange(0, 10),
        metavar="DEGREES",
    )
    file_times: bool = FILE_TIMES

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


READING = grouped(StudyOptions)
"""The options with which a command reads a study."""


def _placed(
    deployments: Path | None = option(
        "CSV with the columns of Camtrap DP's deployments, plus `folder` (below the study's folder) and `timezone`: "
        "where each camera stood, and the zone of its clock.",
        EXISTING_FILE,
    ),
    lat: float | None = option(
        "Latitude of photos without a deployment; it overrides EXIF.", click.FloatRange(-90, 90), metavar="DEGREES"
    ),
    lon: float | None = option(
        "Longitude of photos without a deployment.", click.FloatRange(-180, 180), metavar="DEGREES"
    ),
    shift: timedelta | None = option(
        "Add this to the cameras' clocks, such as +1h or -2d30m. It holds for later runs until another is given.",
        Parsed("duration", parse_shift),
        metavar="DURATION",
    ),
) -> PlaceOptions:
    if (lat is None) != (lon is None):
        raise click.UsageError("only one of --lat and --lon is given; give both or neither")
    if lat is not None and lon is not None and isnan(lat + lon):  # click's ranges let it pass
        raise click.UsageError("'nan' is not a number of degrees; give --lat and --lon as decimal degrees")
    table = read_deployments(deployments) if deployments else None
    return PlaceOptions(table, None if lat is None else Place("given", lat, lon), shift)


PLACE = grouped(_placed)
"""The options that say where and when photos were taken."""


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

"""Defaults of options, in a file `faunalens.toml` beside the study, and `faunalens config`, which shows them.

A key is the name of an option without dashes, for every command that has it. Paths are relative to the file's folder.
"""

import tomllib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from faunalens.cli import options
from faunalens.cli.options import argument
from faunalens.errors import CommandError
from faunalens.terminal import say

NAME = "faunalens.toml"
RESULTS = "results"
NEVER = frozenset({"force", "help", "yes"})  # options that get no defaults: each is meant for a single call
type Options = dict[str, dict[str, click.Parameter]]
"""The options that can have a default: by key, the option of each command, such as `batch submit`."""


@options.command(short_help="Show the defaults that faunalens.toml gives to options.")
def config(
    context: click.Context = options.CONTEXT, results: Path | None = argument(options.FILE, required=False)
) -> None:
    """Show the defaults in faunalens.toml, the commands that each applies to, and the keys that the file may have.

    The file lies in the folder of RESULTS, or else in the working directory.
    """
    options, file = _options(context.find_root().command), _beside(results)
    say(f"defaults from {file}" if file else f"there is no {NAME} beside the study or in {Path.cwd()}")
    for key, value in (_read(file, options) if file else {}).items():
        say(f"{key} = {value}   for {', '.join(options[key])}")
    say(f"keys: {', '.join(sorted(options))}")


def use_defaults(context: click.Context, command: click.Command, arguments: Sequence[str]) -> None:
    """Set the defaults of a command's options from faunalens.toml. `arguments`: those after the command's name."""
    file = _beside(_results_in(command, arguments))
    if file is None or command is config:
        return
    options = _options(context.command)
    context.default_map = {}
    for key, value in _read(file, options).items():
        for name, parameter in options[key].items():
            place = context.default_map
            for part in name.split():
                place = place.setdefault(part, {})
            place[parameter.name] = _value(value, parameter, file.parent)


def with_source(error: click.BadParameter) -> click.BadParameter:
    """Return the error `error` about an option's value. If the value comes from faunalens.toml, the message says so."""
    if error.ctx and error.param and error.ctx.get_parameter_source(error.param.name) is ParameterSource.DEFAULT_MAP:
        return click.BadParameter(f"{error.message} (set in {NAME})", error.ctx, error.param, error.param_hint)
    return error


def _beside(results: Path | None) -> Path | None:
    """Return the faunalens.toml beside a results file, or else in the working directory; None if neither exists."""
    files = [folder / NAME for folder in ((results or Path(NAME)).absolute().parent, Path.cwd())]
    return next(filter(Path.is_file, files), None)


def _results_in(command: click.Command, arguments: Sequence[str]) -> Path | None:
    context = click.Context(command, resilient_parsing=True)
    with suppress(click.ClickException):  # reported when the command itself reads them
        values, rest, _ = command.make_parser(context).parse_args(list(arguments))
        if isinstance(command, click.Group) and rest:
            _, inner, rest = command.resolve_command(context, rest)
            return _results_in(inner, rest) if inner else None
        if isinstance(found := values.get(RESULTS), str):
            return Path(found)
    return None


def _options(group: click.Command) -> Options:
    found: Options = {}
    for name, command in _commands(group):
        for each in command.params:
            keys = {option.removeprefix("--") for option in each.opts if option.startswith("--")} - NEVER
            for key in {RESULTS} if each.name == RESULTS and each.nargs == 1 else keys:
                found.setdefault(key, {})[name] = each
    return found


def _commands(group: click.Command, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context) if isinstance(group, click.Group) else ():
        command = group.get_command(context, name)  # type: ignore[attr-defined]
        yield from _commands(command, f"{prefix}{name} ")
        if command is not config:
            yield f"{prefix}{name}", command


def _read(file: Path, options: Options) -> dict[str, Any]:
    """Return the defaults in a faunalens.toml, by key. Raises `CommandError` for an unknown key or malformed TOML."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as TOML: {error}") from error
    if unknown := next((key for key in given if key not in options), None):
        if isinstance(given[unknown], dict):
            raise CommandError(f"{file} has the section [{unknown}]; write its options without one, for all commands")
        raise CommandError(f"{file} has the unknown key '{unknown}'; known are {', '.join(sorted(options))}")
    return given


def _value(value: Any, option: click.Parameter, folder: Path) -> Any:
    """Convert a value of faunalens.toml to what the command line gives an option. Paths are relative to `folder`."""
    if isinstance(value, list):
        return [_value(each, option, folder) for each in value]
    if isinstance(value, bool):
        return value
    return str(folder / str(value) if isinstance(option.type, click.Path) and value != "-" else value)

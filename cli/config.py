"""Defaults of options, in a file `faunalens.toml` beside the study, and `faunalens config`, which shows them.

A key is the name of an option without its dashes, and holds for every command that has it; in a table named like a
command it holds for that alone. Options on the command line win. Paths are relative to the file's folder.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from cli.errors import CommandError
from cli.options import FILE

NAME = "faunalens.toml"
RESULTS = "results"
NEVER = frozenset({"force", "help", "yes"})
"""Options that say yes to something once."""
EPILOG = """\b
Example:
  faunalens config study.db

\b
A file faunalens.toml:
  deployments = "deployments.csv"
  event-gap = 120
  [identify]
  boxes = true
"""
type Options = dict[str, dict[str, click.Parameter]]
"""The parameters that can have a default, by command, such as `batch submit`, and by key."""


@click.command(epilog=EPILOG, short_help="Show the defaults that faunalens.toml gives to options.")
@click.argument("results", type=FILE, metavar="[RESULTS]", required=False)
@click.pass_context
def config(context: click.Context, results: Path | None) -> None:
    """Show which defaults faunalens.toml gives to the options of which commands, and which keys it may have.

    The file lies in the folder of RESULTS, or else in the working directory.
    """
    group = context.find_root().command
    options = _options(group) if isinstance(group, click.Group) else {}
    file = _beside(results)
    if file:
        click.echo(f"defaults from {file}")
        commands: dict[tuple[str, str], list[str]] = {}
        for command, values in _defaults(file, options).items():
            for key, value in values.items():
                commands.setdefault((key, str(value)), []).append(command)
        for (key, value), names in commands.items():
            click.echo(f"{key} = {value}   for {', '.join(names)}")
    else:
        click.echo(f"there is no {NAME} in {results.parent if results else Path.cwd()}")
    click.echo(f"keys: {', '.join(sorted({key for keys in options.values() for key in keys}))}")


def use_defaults(context: click.Context, command: click.Command, arguments: Sequence[str]) -> None:
    """Give the options of a command their defaults. `arguments`: those behind its name, which may name the study."""
    group, file = context.command, _beside(_results_in(command, arguments))
    if file is None or command is config or not isinstance(group, click.Group):
        return
    options = _options(group)
    context.default_map = {}
    for name, values in _defaults(file, options).items():
        place = context.default_map
        for part in name.split():
            place = place.setdefault(part, {})
        place.update({options[name][key].name: value for key, value in values.items()})


def with_source(error: click.BadParameter) -> click.BadParameter:
    """Return an error that says if the value is that of the file."""
    if error.ctx and error.param and error.ctx.get_parameter_source(error.param.name) is ParameterSource.DEFAULT_MAP:
        return click.BadParameter(f"{error.message} ({NAME} says it)", error.ctx, error.param, error.param_hint)
    return error


def _beside(results: Path | None) -> Path | None:
    """Return the file beside a study, or else in the working directory; None if there is none."""
    folders = ([results.absolute().parent] if results else []) + [Path.cwd()]
    return next((folder / NAME for folder in folders if (folder / NAME).is_file()), None)


def _results_in(command: click.Command, arguments: Sequence[str]) -> Path | None:
    """Return the results file that arguments name."""
    context = click.Context(command, resilient_parsing=True)
    with suppress(click.ClickException):  # said when the command itself reads them
        values, rest, _ = command.make_parser(context).parse_args(list(arguments))
        if isinstance(command, click.Group) and rest:
            _, inner, rest = command.resolve_command(context, rest)
            return _results_in(inner, rest) if inner else None
        if isinstance(found := values.get(RESULTS), str):
            return Path(found)
    return None


def _options(group: click.Group, prefix: str = "") -> Options:
    context, found = click.Context(group), dict[str, dict[str, click.Parameter]]()
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            found |= _options(command, f"{prefix}{name} ")
        elif command and command is not config:
            found[f"{prefix}{name}"] = dict(_keys(command))
    return found


def _keys(command: click.Command) -> Iterator[tuple[str, click.Parameter]]:
    for each in command.params:
        if isinstance(each, click.Argument):
            if each.name == RESULTS:
                yield RESULTS, each
        else:
            yield from ((key, each) for name in each.opts if (key := name.lstrip("-")) not in NEVER and key != name[1:])


def _defaults(file: Path, options: Options) -> dict[str, dict[str, Any]]:
    """Read the defaults of each command. Raises `CommandError` if the file is no TOML, or has an unknown key."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as TOML: {error}") from error
    found: dict[str, dict[str, Any]] = {}
    for commands, values in _tables(given, file, options):
        for key, value in values.items():
            having = [name for name in commands if key in options[name]]
            if not having:
                known = sorted({key for name in commands for key in options[name]})
                raise CommandError(f"{file} has the unknown key '{key}'; known are {', '.join(known)}")
            for name in having:
                found.setdefault(name, {})[key] = _value(value, options[name][key], file.parent)
    return found


def _tables(given: Mapping[str, Any], file: Path, options: Options) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Yield commands with the keys for them: of the top for all, then those of each table, which win."""
    yield list(options), {key: value for key, value in given.items() if not isinstance(value, dict)}
    for name, values in given.items():
        if isinstance(values, dict):
            commands = [each for each in options if each.split()[0] == name]
            if not commands:
                raise CommandError(f"{file} has the unknown command [{name}]; known are {', '.join(options)}")
            yield commands, values


def _value(value: Any, option: click.Parameter, folder: Path) -> Any:
    """Return a value as the command line would have it."""
    if isinstance(value, list):
        return [_value(each, option, folder) for each in value]
    if isinstance(value, bool) or not isinstance(option.type, click.Path) or value == "-":
        return value if isinstance(value, bool) else str(value)
    return str(folder / str(value))

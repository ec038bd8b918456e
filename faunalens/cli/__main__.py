"""Identify the animals in folders of photos, and export the answers: `faunalens`."""

import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from importlib import import_module
from io import StringIO
from pathlib import Path
from threading import Event

import click
from click.shell_completion import get_completion_class

from chalicelib.config import VERSION
from chalicelib.errors import FaunalensError
from chalicelib.redaction import inert
from faunalens.cli import options
from faunalens.cli.config import use_defaults, with_source
from faunalens.cli.options import argument, log_option, option
from faunalens.errors import CommandError, Exit, UsageError
from faunalens.study import moved
from faunalens.study.clocks import doubts_of, made_by, remarks
from faunalens.study.results import ResultsFile
from faunalens.terminal import LOG, MOST_FAULTS, close_log, prepare, say, say_json, shown
from faunalens.words import count, parts_of

NAMED_SO = ("batch", "config", "copy", "export", "identify", "merge", "report", "review", "tables", "train")
MODULES = {name: name for name in NAMED_SO} | {"import": "importing"}
"""The module of each command: its function of the same name is the command. Here are status, prune, completion."""
EXAMPLES = {
    name: "\n\n".join(f"\b\n{paragraph}" for paragraph in text.split("\n\n"))
    for name, text in parts_of(Path(__file__).with_name("examples.txt")).items()
}
"""The examples at the end of each command's help, by command, in paragraphs that click does not wrap."""
REVIEWED = "select reviewer, count(distinct photo) from review group by 1 order by 2 desc"


class _Commands(click.Group):
    """The commands. Each is imported when it is called, so its module may import all that it needs at its top."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *MODULES])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = MODULES.get(cmd_name)
        command = getattr(import_module(f"faunalens.cli.{name}"), name) if name else super().get_command(ctx, cmd_name)
        if command:
            _complete(command, cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command and not ctx.resilient_parsing and ctx.params["defaults"]:
            use_defaults(ctx, command, rest)
        return name, command, rest


def _complete(command: click.Command, name: str) -> None:
    """Add its examples and `--log` to a command. In a group, the inner commands get `--log`, not the group."""
    command.epilog = EXAMPLES[name]
    if isinstance(command, click.Group):
        for inner, each in command.commands.items():
            _complete(each, f"{name} {inner}")
    elif log_option not in command.params:
        command.params.append(log_option)


@click.group(
    cls=_Commands,
    epilog=EXAMPLES["faunalens"],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.version_option(VERSION, prog_name="faunalens")
@click.option("--defaults/--no-defaults", default=True, help="Whether to read faunalens.toml; see `faunalens config`.")
def faunalens(*, defaults: bool) -> None:
    """Identify the animals in folders of photos, and export the answers in the formats of camera-trap studies."""


@options.command(of=faunalens, short_help="Say what is done, what is left and what failed.")
def status(results: Path = options.RESULTS, as_json: bool = options.JSON) -> None:
    """Say how many photos have an answer, how many are left, and what to check; list the photos without an answer.

    In the JSON, `copies` are photos that their deployment has twice; `shared` ones are in several deployments.
    `untimed` ones have no time in EXIF, so each is an event of its own. `reset`: the clock was reset. `future`: the
    time is in the future. `outside`: of the deployment's dates. `unassigned`: in no deployment. `backwards`: folders in
    which the clock jumps back. `gone`: photos whose file is gone (see `faunalens prune`); null if the folder is gone.

    It may run while `faunalens identify` does.
    """
    with ResultsFile(results, write=False) as kept:
        counts, absent = kept.counts(), moved.gone(kept)
        models, reviewers = made_by(kept), {str(who): int(count) for who, count in kept.rows(REVIEWED)}
        if as_json:
            doubts = doubts_of(kept)
            facts = {**counts._asdict(), **doubts.numbers, "backwards": len(doubts.backwards)}
            facts |= {"gone": None if absent is None else len(absent), "models": models, "reviewers": reviewers}
            facts["faults"] = [dict(row) for row in kept.faults()]
            say_json(json.dumps(facts, ensure_ascii=False, allow_nan=False))
            return
        say(f"folder      {shown(kept.study().get('folder', ''))}")
        is_open = os.name == "posix" and results.stat().st_mode & 0o077  # Windows has none such
        readers = "others too: `chmod 600` stops that" if is_open else "its owner alone"
        say(f"holds       paths, places, answers and reviews of photos; read by {readers}")
        for name, number in {"photos": counts.total, "answers": counts.done, **counts._asdict()}.items():
            if name != "done":
                say(f"{name:10} {number:>8,}")
        for name, by in {"models": models, "reviewed": reviewers}.items():
            for who, number in by.items():
                say(f"{name:10} {number:>8,} by {shown(who)}")
        for sentence in remarks(kept):
            say(f"check       {shown(sentence)}")
        if absent is None:
            say("check       the folder is not there; is its disk connected?")
        elif absent:
            say(f"check       {count(len(absent), 'photo is')} gone from the folder; see `faunalens prune`")
        for row in kept.faults():
            say(f"{row['state']}: {shown(row['path'])}: {shown(row['detail'] or '')} ({row['code']})")


@options.command(of=faunalens, short_help="Take out photos whose files are gone.")
def prune(results: Path = options.RESULTS, yes: bool = option("Do not ask.")) -> None:
    """Take photos whose files are gone out of RESULTS, and so out of later exports and reports. Asks first.

    Their reviews are deleted too, unless a copy of the photo is still there: then the copy gets them. All photos whose
    reviews will be deleted are named.
    """
    with ResultsFile(results, write=True) as kept:
        folder, gone, total = kept.study().get("folder", ""), moved.gone(kept), kept.counts().total
        if gone is None or (gone and len(gone) == total):
            raise CommandError(f"none of the photos is below {folder}; is its disk connected?")
        if gone:
            last = moved.last_reviewed(kept, gone)
            for path in [path for identity, path in gone if identity not in last][:MOST_FAULTS]:
                say(f"  {shown(path)}")
            for path in last.values():
                say(f"  {shown(path)}: its reviews will be deleted")
            if not yes:
                missing = f"{count(len(gone), 'photo is')} gone from {shown(folder)}, of {total:,}"
                click.confirm(f"{missing}; the reviews of {len(last):,} of them will be deleted. Take out?", abort=True)
            moved.forget(kept, (identity for identity, _ in gone))
        say(f"{count(len(gone), 'photo was')} taken out; {total - len(gone):,} left")


@options.command(of=faunalens)
def completion(
    context: click.Context = options.CONTEXT, shell: str = argument(click.Choice(["bash", "zsh", "fish"]))
) -> None:
    """Print the script for shell completion."""
    if complete := get_completion_class(shell):
        click.echo(complete(context.find_root().command, {}, "faunalens", "_FAUNALENS_COMPLETE").source())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `faunalens` with `arguments`, by default those of the process, and exit with the command's exit code."""
    code = run(arguments, prepare())
    if code == Exit.INTERRUPTED:  # without waiting for threads, which may wait for a service
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str] | None = None, stopped: Event | None = None) -> int:
    """Run `faunalens`. If an error stops it, print why. Return the exit code.

    `arguments`: those after `faunalens`; None for the process's own. `stopped`: an event that a signal sets.
    """
    try:
        returned = faunalens.main(arguments, prog_name="faunalens", standalone_mode=False, obj=os.environ)
        code = returned if isinstance(returned, int) else Exit.DONE
    except (click.Abort, KeyboardInterrupt, click.ClickException, FaunalensError, sqlite3.Error, OSError) as error:
        if isinstance(error, click.Abort | KeyboardInterrupt) or (stopped and stopped.is_set()):
            LOG.warning("stopped")
            say("stopped; run the same command again to continue", err=True)
            code = Exit.INTERRUPTED
        else:
            in_words = _in_words(error)
            LOG.error(in_words.format_message())
            text = StringIO()
            in_words.show(text)
            print(inert(text.getvalue()), end="", file=sys.stderr)
            code = in_words.exit_code
    close_log(code)
    return code


def _in_words(error: BaseException) -> click.ClickException:
    text = str(error)
    if isinstance(error, click.ClickException):
        return with_source(error) if isinstance(error, click.BadParameter) else error
    if isinstance(error, UsageError):
        return click.UsageError(text)
    if isinstance(error, sqlite3.Error):
        advice = "is the disk full? Run the same command again to continue"
        text = f"the results file cannot be read or written ({error}); {advice}"
    elif isinstance(error, OSError):  # such as standard output on a full disk, or a file of another user
        what, why = error.filename or "a file, or what the command prints,", error.strerror or error
        text = f"{what} cannot be read or written ({why}); run the same command again to continue"
    return click.ClickException(text)


if __name__ == "__main__":
    main()

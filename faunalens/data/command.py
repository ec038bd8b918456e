"""What the commands of `faunalens.data` and `faunalens.data.maintain` share: options, connection, loading, errors."""

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shlex import quote
from time import perf_counter
from typing import Final, TextIO

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config import casts
from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError, SettingError
from chalicelib.redaction import inert, summary_of
from faunalens.data.database import LoadedDataset, LoadError, connect, datasets
from faunalens.data.dataset import Dataset
from faunalens.data.dataset_files import OWN_RANGES, DatasetError, files_beside, files_in, join_some
from faunalens.data.load import load

SLOW: Final = 1.0  # seconds; a faster sign-in is not reported


def run(build_parser: Callable[[Settings], ArgumentParser], arguments: Sequence[str] | None) -> int:
    """Run the command that the arguments name. Return its exit code, or 1 after printing an error.

    `options.command`: a function of a connection and the options, or of only the options if `options.is_offline`.
    """
    try:
        settings = Settings.from_environment(os.environ)
        options = build_parser(settings).parse_args(arguments)
        if options.is_offline:
            code = int(options.command(options))
        else:
            started = perf_counter()
            with closing(connect(settings, options.database_url, options.patience)) as connection:
                if (seconds := perf_counter() - started) > SLOW:
                    print(f"signed in to PostgreSQL after {seconds:.1f} s")
                options.command(connection, options)
            code = 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output, such as `head`, has ended
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # at exit Python writes the rest
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130  # as shells report Ctrl-C
    except (SettingError, DatasetError, LoadError, OSError) as error:
        message = str(error)
    except CacheError as error:
        # A second `rollback` would go back further, or return to the dataset that the first one left.
        again = "run the same command" if "version" in options else "activate that version"
        what_to_do = f"{again} again, or wait until the cached values expire"
        message = f"the dataset is active, but the announcement to Redis failed ({error.fault}: {error}); {what_to_do}"
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        message = f"PostgreSQL rejected the data: {summary_of(str(error))}; nothing was changed; correct the files"
    except psycopg2.Error as error:
        summary = summary_of(str(error)) or type(error).__name__
        message = f"PostgreSQL: {summary}; check --database-url and that the server is running"
    say(f"error: {message}", file=sys.stderr)
    return 1


def say(text: str, file: TextIO | None = None) -> None:
    """Print text without control characters, since it may contain names from strangers' files."""
    print(inert(text), file=file)


type Read = Callable[[dict[str, Path]], Dataset]
"""A function that reads a dataset from its files."""


def load_and_report(connection: Connection, options: Namespace, read: Read, *, beside: bool) -> LoadedDataset:
    """Load the dataset that the options of `add_source` name, but do not switch to it. Print what happens.

    `read`: reads the dataset from files. `beside`: the dataset stays beside the active one, so print how to compare it
    and how to switch to it.
    """
    started = perf_counter()
    files = files_in(options.folder) if options.folder else files_beside(options.settings.model.path)
    dataset = read(files)
    dataset = replace(dataset, version=options.version or dataset.version)
    before = next((each for each in datasets(connection) if each.version == dataset.version), None)
    print(f"dataset {dataset.version}")
    if names := sorted(animal.name for animal in dataset.unknown):
        missing = f"no range is stated for {len(names)} wild or marine animals"
        what_to_do = f"add rows to {OWN_RANGES}; the animals are: {join_some(names)}"
        say(f"warning: {missing}, so answers say that it is unknown whether they live there; {what_to_do}")
    loaded = load(connection, dataset)
    if before and options.version:
        loaded_at = f"{before.version} was loaded at {before.loaded_at:%Y-%m-%d %H:%M}"
        what_to_do = "for other data give another --version, or drop it first"
        print(f"warning: {loaded_at} and stays as it is, whatever the files say now; {what_to_do}")
    if loaded.active:
        print(f"already active: {loaded.rows:,} rows in {loaded.cells:,} cells")
    elif beside:
        seconds, version = perf_counter() - started, quote(loaded.version)
        print(f"loaded in {seconds:.1f} s; to switch: python -m faunalens.data activate {version}")
        print(f"to see what would change: python -m faunalens.data compare {version}")
    return loaded


class Commands:
    """The argument parser of a program with commands. `database`: parent parser for commands that need PostgreSQL."""

    def __init__(self, settings: Settings, program: str, does: str) -> None:
        self.parser = ArgumentParser(prog=program, description=does)
        self.parser.set_defaults(settings=settings)
        self._commands = self.parser.add_subparsers(required=True, metavar="COMMAND")
        self.database = ArgumentParser(add_help=False)
        text = "URL of the PostgreSQL database (default: the setting DATABASE_URL)"
        self.database.add_argument("--database-url", default=settings.database.url, metavar="URL", help=text)
        text = "longest wait for a connection; a paused Aurora needs over 15 s to resume (default: the setting SIGN_IN)"
        seconds, sign_in = checked(casts.positive_number), settings.database.sign_in
        self.database.add_argument("--patience", type=seconds, default=sign_in, metavar="SECONDS", help=text)

    def add(self, name: str, command: Callable[..., int | None], does: str, *parents: ArgumentParser) -> ArgumentParser:
        """Add a command with the options of its parents. `does`: for the help. Return the command's parser."""
        description = f"{does[0].upper()}{does[1:]}."
        added = self._commands.add_parser(name, help=does, description=description, parents=parents)
        added.set_defaults(command=command, is_offline=self.database not in parents)
        return added


def add_source(loads: ArgumentParser, what: str) -> None:
    """Add the options `--from` and `--version` to a `load` command. `what`: the word in the help for the files."""
    text = f"folder to read {what} from instead of MODEL_PATH's folder; missing files come from the checkout"
    loads.add_argument("--from", dest="folder", type=Path, metavar="FOLDER", help=text)
    loads.add_argument("--version", help="name of the dataset (default: a hash of its data)")


def checked[T](cast: Callable[[str], T]) -> Callable[[str], T]:
    """Return a cast that raises `ArgumentTypeError` in place of `ValueError`, whose message argparse does not print."""

    def convert(text: str) -> T:
        try:
            return cast(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error

    return convert

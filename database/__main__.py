"""Load datasets and switch between them: `python -m database --help`."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import psycopg2

from chalicelib.config import casts
from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError, SettingError
from chalicelib.features.deadline import Deadline
from chalicelib.redaction import summary_of
from chalicelib.services import build_cache
from database.access import READER, connect, prepare
from database.dataset import DatasetError, files_beside, files_in, read_dataset, some_of
from database.load import LoadError, activate, datasets, drop, load, prune

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection  # noqa: N812

PATIENCE = 5.0
"""Seconds to reach PostgreSQL, unless told otherwise, and to tell Redis."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0, or 1 after a sentence on standard error that says what to do.

    A switch that Redis could not be told of is a 1, too: the sentence then says that the dataset is active.
    """
    try:
        settings = Settings.from_environment(os.environ)
        # The setting's own default would be a cache that nobody named.
        named = settings.redis_url if os.environ.get("REDIS_URL") else ""
        options = _parser(settings, named).parse_args(arguments)
        with closing(connect(options.settings, options.database_url, options.patience)) as connection:
            options.command(connection, options)
    except (SettingError, DatasetError, LoadError, PermissionError) as error:
        print(f"error: {error}", file=sys.stderr)
    except CacheError as error:
        print(
            f"error: the dataset is active, but Redis was not told ({error.fault}: {error}); "
            f"run the same command again, or caches follow as their values age",
            file=sys.stderr,
        )
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        said = summary_of(str(error))
        print(f"error: PostgreSQL does not take the data: {said}; nothing was changed, mend the files", file=sys.stderr)
    except psycopg2.Error as error:
        said = summary_of(str(error)) or type(error).__name__
        print(f"error: PostgreSQL: {said}; check --database-url and that the server runs", file=sys.stderr)
    else:
        return 0
    return 1


def _load(connection: "Connection", options: argparse.Namespace) -> None:
    started = perf_counter()
    settings: Settings = options.settings
    dataset = read_dataset(files_in(options.folder) if options.folder else files_beside(settings.model_path))
    if options.version:
        dataset = replace(dataset, version=options.version)
    was_active = any(each.active and each.version == dataset.version for each in datasets(connection))
    print(f"dataset {dataset.version}")
    if nowhere := dataset.placeless:
        print(
            f"no cell for {len(nowhere)} of the wild animals, so that every known place speaks against them: "
            f"{some_of(nowhere)}"
        )
    loaded = load(connection, dataset)
    if was_active:
        print(f"already active: {loaded.rows:,} rows in {loaded.cells:,} cells")
    elif options.beside:
        print(
            f"loaded after {perf_counter() - started:.1f} s; switch with: python -m database activate {loaded.version}"
        )
        return
    else:
        activate(connection, loaded.version)
        print(f"active after {perf_counter() - started:.1f} s: {loaded.rows:,} rows in {loaded.cells:,} cells")
    _announce(loaded.version, options)
    for version in prune(connection, options.keep):
        print(f"dropped {version}")


def _list(connection: "Connection", _options: argparse.Namespace) -> None:
    for each in datasets(connection):
        mark = "active" if each.active else ""
        print(
            f"{each.version:14} {each.loaded_at:%Y-%m-%d %H:%M:%S%z} {each.cells:>9,} {each.rows:>13,}  {mark}".rstrip()
        )


def _activate(connection: "Connection", options: argparse.Namespace) -> None:
    activate(connection, options.version)
    print(f"active: {options.version}")
    _announce(options.version, options)


def _drop(connection: "Connection", options: argparse.Namespace) -> None:
    drop(connection, options.version)
    print(f"dropped {options.version}")


def _prepare(connection: "Connection", options: argparse.Namespace) -> None:
    by_iam = prepare(connection, options.user)
    print(f"{options.user} may read; it signs in {'by IAM' if by_iam else 'as pg_hba.conf says: this is not RDS'}")


def _announce(version: str, options: argparse.Namespace) -> None:
    """Tell the cache, so that every container switches within seconds and not as its values age."""
    if not options.redis_url:
        return
    settings: Settings = replace(options.settings, redis_url=options.redis_url)
    with closing(build_cache(settings)) as cache:
        cache.announce(version, settings.features_hard_ttl, Deadline.after(PATIENCE))
    print("announced to Redis")


def _parser(settings: Settings, redis_url: str = "") -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m database", description="Datasets of which animals live where.")
    parser.set_defaults(settings=settings, redis_url="")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    loads = commands.add_parser(
        "load", help="load the data of this checkout, and what lies beside MODEL_PATH, and switch to them"
    )
    loads.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="FOLDER",
        help="its labels.csv, taxa.csv, animal_areas.csv … instead, as far as they are there",
    )
    loads.add_argument("--version", help="name it yourself; otherwise it follows from the data")
    loads.add_argument("--beside", action="store_true", help="load without switching to it")
    loads.add_argument("--keep", type=_at_least_one, default=3, metavar="N", help="datasets that stay (default: 3)")
    loads.set_defaults(command=_load)

    lists = commands.add_parser("list", help="version, time, cells, rows of each dataset, latest first")
    lists.set_defaults(command=_list)

    activates = commands.add_parser("activate", help="switch to a loaded dataset")
    activates.add_argument("version")
    activates.set_defaults(command=_activate)

    drops = commands.add_parser("drop", help="remove a dataset that is not active")
    drops.add_argument("version")
    drops.set_defaults(command=_drop)

    prepares = commands.add_parser("prepare", help="lay the schema, and make a login for the app that may only read")
    prepares.add_argument("user", help=f"name of the login; it gets the role {READER}, and on Aurora signs in by IAM")
    prepares.set_defaults(command=_prepare)

    for each in (loads, lists, activates, drops, prepares):
        each.add_argument("--database-url", default=settings.database_url, metavar="URL", help="default: DATABASE_URL")
        each.add_argument(
            "--patience",
            type=_seconds,
            default=PATIENCE,
            metavar="SECONDS",
            help=f"longest wait for PostgreSQL; Aurora that has paused takes 15 to 30 (default: {PATIENCE:g})",
        )
    for each in (loads, activates):
        each.add_argument(
            "--redis-url",
            type=_cache,
            default=redis_url,
            metavar="URL",
            help="cache that is told which version is active now, '' for none (default: REDIS_URL where it is set)",
        )
    return parser


def _cache(text: str) -> str:
    try:
        return casts.redis_url(text) if text else ""
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _seconds(text: str) -> float:
    try:
        return casts.positive(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds above 0") from error


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1; the active dataset always stays")
    return number


if __name__ == "__main__":
    sys.exit(main())

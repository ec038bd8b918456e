"""Load datasets and switch between them: `python -m database --help`."""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shlex import quote
from time import perf_counter

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config import casts
from chalicelib.config.settings import Settings
from chalicelib.errors import CacheError, SettingError
from chalicelib.features.deadline import Deadline
from chalicelib.features.rollout import BUCKETS
from chalicelib.redaction import summary_of
from chalicelib.services import build_cache
from database.access import READER, connect, prepare
from database.arguments import checked
from database.athena import commands as commands_of_athena
from database.compare import compare
from database.comparison_page import page_of
from database.dataset import read_dataset
from database.dataset_files import OWN_RANGES, DatasetError, files_beside, files_in, join_some
from database.load import LoadedDataset, LoadError, datasets, drop, load, prune
from database.occurrences import commands as commands_of_occurrences
from database.ranges import commands as commands_of_ranges
from database.switch import Trial, activate, put_on_trial, roll_back, rollout_text

SLOW = 1.0  # seconds; a faster sign-in is not worth a line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0, or 1 after an error, such as a switch that could not be announced in Redis."""
    try:
        settings = Settings.from_environment(os.environ)
        # The setting has a default. Announce only to a cache that the environment names.
        redis_url = settings.redis.url if os.environ.get("REDIS_URL") else ""
        options = _parser(settings, redis_url).parse_args(arguments)
        code = int(options.command(options)) if options.is_offline else _online(settings, options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes what is left when it ends
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return 130  # as shells say it
    except (SettingError, DatasetError, LoadError, OSError) as error:
        message = str(error)
    except CacheError as error:
        message = (
            f"the dataset is active, but the announcement to Redis failed ({error.fault}: {error}); "
            "run the same command again, or wait until the cached values expire"
        )
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        message = f"PostgreSQL rejected the data: {summary_of(str(error))}; nothing was changed; correct the files"
    except psycopg2.Error as error:
        summary = summary_of(str(error)) or type(error).__name__
        message = f"PostgreSQL: {summary}; check --database-url and that the server is running"
    print(f"error: {message}", file=sys.stderr)
    return 1


def _online(settings: Settings, options: Namespace) -> int:
    started = perf_counter()
    with closing(connect(settings, options.database_url, options.patience)) as connection:
        if (seconds := perf_counter() - started) > SLOW:
            print(f"signed in to PostgreSQL after {seconds:.1f} s")
        options.command(connection, options)
    return 0


def _load(connection: Connection, options: Namespace) -> None:
    started = perf_counter()
    settings: Settings = options.settings
    files = files_in(options.folder) if options.folder else files_beside(settings.model.path)
    dataset = commands_of_occurrences.read(files, options) if options.occurrences else read_dataset(files)
    if options.version:
        dataset = replace(dataset, version=options.version)
    before = next((each for each in datasets(connection) if each.version == dataset.version), None)
    was_active = before is not None and before.active
    print(f"dataset {dataset.version}")
    if names := sorted(animal.name for animal in dataset.unknown):
        print(
            f"warning: no range is stated for {len(names)} wild or marine animals, so answers say that it is unknown "
            f"whether they live there; add rows to {OWN_RANGES}; the animals are: {join_some(names)}"
        )
    loaded = load(connection, dataset)
    if before and options.version:
        print(
            f"warning: {before.version} was loaded at {before.loaded_at:%Y-%m-%d %H:%M} and stays as it is, whatever "
            "the files say now; for other data give another --version, or drop it first"
        )
    size = f"{loaded.rows:,} rows in {loaded.cells:,} cells"
    if (options.beside or options.occurrences) and not was_active:
        version = quote(loaded.version)
        print(f"loaded in {perf_counter() - started:.1f} s; to switch: python -m database activate {version}")
        print(f"to see what would change: python -m database compare {version}")
        return
    if was_active:
        print(f"already active: {size}")
    else:
        activate(connection, loaded.version)
        print(f"loaded and activated in {perf_counter() - started:.1f} s: {size}")
    _announce(connection, options)
    for version in prune(connection, options.keep):
        print(f"dropped {version}")


def _list(connection: Connection, _options: Namespace) -> None:
    for each in datasets(connection):
        state = "active" if each.active else _trial_in_words(each)
        line = f"{each.version:14} {each.loaded_at:%Y-%m-%d %H:%M:%S%z} {each.cells:>9,} {each.rows:>13,}  {state}"
        print(line.rstrip())


def _activate(connection: Connection, options: Namespace) -> None:
    version: str = options.version
    if options.share is None and not options.shadow:
        activate(connection, version)
        print(f"active: {version}")
    else:
        on_trial = put_on_trial(connection, version, Trial(options.share or 1.0, options.shadow))
        print(f"{version}: {_trial_in_words(on_trial)}")
        to_switch = f"python -m database activate {quote(version)}"
        print(f"to switch for all cells: {to_switch}; to end: python -m database rollback")
    _announce(connection, options)


def _trial_in_words(dataset: LoadedDataset) -> str:
    if dataset.share is None:
        return ""
    cells = f"{dataset.share * 100 / BUCKETS:g}%"
    return f"compared for {cells} of the cells" if dataset.in_shadow else f"on trial for {cells} of the cells"


def _roll_back(connection: Connection, options: Namespace) -> None:
    version = roll_back(connection)
    print(f"active: {version}")
    _announce(connection, options)


def _prune(connection: Connection, options: Namespace) -> None:
    for version in prune(connection, options.keep):
        print(f"dropped {version}")


def _drop(connection: Connection, options: Namespace) -> None:
    drop(connection, options.version)
    print(f"dropped {options.version}")


def _compare(connection: Connection, options: Namespace) -> None:
    if options.html and not options.html.absolute().parent.is_dir():
        raise LoadError(f"the folder of {options.html} does not exist; create it, or give another file with --html")
    comparison = compare(connection, options.version)
    for line in comparison.lines():
        print(line)
    if options.html:
        options.html.write_text(page_of(comparison), encoding="utf-8")
        print(f"wrote {options.html}")


def _prepare(connection: Connection, options: Namespace) -> None:
    by_iam = prepare(connection, options.user)
    method = "with IAM tokens" if by_iam else "by the method in pg_hba.conf, because this server has no IAM sign-in"
    print(f"{options.user} has read-only access and signs in {method}")


def _announce(connection: Connection, options: Namespace) -> None:
    """Write in Redis which dataset is active or on trial, so that all containers follow within seconds."""
    if not options.redis_url:
        return
    settings: Settings = replace(options.settings, redis=replace(options.settings.redis, url=options.redis_url))
    with closing(build_cache(settings, patient=True)) as cache:
        cache.announce(rollout_text(connection), settings.features.ttl.hard, Deadline.after(options.patience))
    print("announced to Redis")


def _parser(settings: Settings, redis_url: str = "") -> ArgumentParser:
    parser = ArgumentParser(prog="python -m database", description="Manage the datasets of animals and cells.")
    parser.set_defaults(settings=settings, redis_url="", is_offline=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    database, cache, version, keep = (ArgumentParser(add_help=False) for _ in range(4))
    text = "PostgreSQL (default: DATABASE_URL)"
    database.add_argument("--database-url", default=settings.database.url, metavar="URL", help=text)
    text = "longest wait for a connection; a paused Aurora takes 15 seconds and more to resume (default: SIGN_IN)"
    patience = checked(casts.positive_number)
    database.add_argument("--patience", type=patience, default=settings.database.sign_in, metavar="SECONDS", help=text)
    text = "Redis in which to announce the switch to all containers; '' for none (default: REDIS_URL, or none if unset)"
    url_or_none = checked(lambda url: casts.redis_url(url) if url else "")
    cache.add_argument("--redis-url", type=url_or_none, default=redis_url, metavar="URL", help=text)
    version.add_argument("version", help="version of the dataset; `list` prints all versions")
    text = "number of the latest datasets to keep; one in use and the active one before stay too (default: %(default)s)"
    keep.add_argument("--keep", type=checked(casts.positive_int), default=3, metavar="N", help=text)

    def add(name: str, command: Callable[..., None], does: str, *parents: ArgumentParser) -> ArgumentParser:
        description = f"{does[0].upper()}{does[1:]}."
        added = commands.add_parser(name, help=does, description=description, parents=[*parents, database])
        added.set_defaults(command=command)
        return added

    does = "load a dataset from this checkout and the folder of MODEL_PATH, then switch to it; with FILE, only load it"
    loads = add("load", _load, does, cache, keep)
    text = "folder to read files from instead of MODEL_PATH's folder; missing files come from the checkout"
    loads.add_argument("--from", dest="folder", type=Path, metavar="FOLDER", help=text)
    loads.add_argument("--version", help="name of the dataset (default: a hash of its data)")
    loads.add_argument("--beside", action="store_true", help="only load; do not switch")
    commands_of_occurrences.add_options(loads)
    add("list", _list, "list the datasets, latest first: version, time, cells, rows, and which one is active")
    activates = add("activate", _activate, "switch to a loaded dataset, at once or first on trial", version, cache)
    text = (
        "answer from it only for this share of the cells, such as 10%%; a larger share keeps the cells of a smaller one"
    )
    activates.add_argument("--share", type=checked(casts.share), metavar="SHARE", help=text)
    text = "do not answer from it, but compare its answers and count differences, for all cells or those of --share"
    activates.add_argument("--shadow", action="store_true", help=text)
    add("rollback", _roll_back, "end the trial, or switch back to the dataset that was active before", cache)
    text = "compare a loaded dataset with the active one: cells, animals, and known facts that it wins and loses"
    compares = add("compare", _compare, text, version)
    compares.add_argument("--html", type=Path, metavar="FILE", help="also write a page with maps of what changes most")
    add("prune", _prune, "remove all but the latest datasets", keep)
    add("drop", _drop, "remove a dataset that is not active", version)
    text = f"name of the login, which gets the role {READER}; on Aurora it signs in with IAM"
    add("prepare", _prepare, "create the schema and a read-only login for the app").add_argument("user", help=text)

    for name, offline, does in (
        ("explain", commands_of_ranges.explain, "print where an animal lives, in words, with sources and a map"),
        ("check", commands_of_ranges.check, "compare the ranges with independent evidence"),
        ("facts", commands_of_ranges.facts, "print how many known facts the ranges get right"),
        (
            "athena",
            commands_of_athena.count,
            "count GBIF's records on Amazon Athena: its SQL, its cost, or run it",
        ),
    ):
        added = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        added.set_defaults(command=offline, is_offline=True)
        if name == "explain":
            added.add_argument("taxon", help="id or name of the animal, such as phascolarctos-cinereus or koala")
        if name == "athena":
            commands_of_athena.add_options(added)
    return parser


if __name__ == "__main__":
    sys.exit(main())

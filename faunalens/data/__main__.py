"""Load datasets and switch between them: `python -m faunalens.data --help`.

`python -m faunalens.data.maintain` makes the data. The Lambda function `admin` runs the commands of this module only.
"""

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from shlex import quote
from time import perf_counter
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812

from chalicelib.config import casts
from chalicelib.config.settings import Settings
from chalicelib.deadline import Deadline
from chalicelib.features.cache import BUCKETS
from chalicelib.services import build_cache
from faunalens.data import check, database
from faunalens.data.command import Commands, add_source, checked, load_and_report, run
from faunalens.data.compare import compare, page_of
from faunalens.data.database import READER, LoadedDataset, LoadError
from faunalens.data.dataset import read_dataset


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Return 0, or 1 after an error, such as a switch that could not be announced in Redis."""
    # The setting has a default. Announce only to a cache that the environment names.
    has_cache = bool(os.environ.get("REDIS_URL"))
    return run(lambda settings: build_parser(settings, settings.redis.url if has_cache else ""), arguments)


def run_event(event: object) -> dict[str, Any]:
    """Run the command in an event of the Lambda function `admin`, such as `{"command": ["list"]}`.

    Return its exit code as `code` and its output as `said`. Calls in one process must not overlap: outputs would mix.
    """
    command = event.get("command") if isinstance(event, dict) else None
    if not isinstance(command, list) or not all(isinstance(each, str) for each in command):
        expected = 'the arguments of `python -m faunalens.data`: {"command": ["list"]}'
        return {"code": 2, "said": f"error: the event has no command; send {expected}\n"}
    output = StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        try:
            code = main(command)
        except SystemExit as exit_:  # argparse, after a usage error or --help
            code = int(exit_.code or 0)
    return {"code": code, "said": output.getvalue()}


def _load(connection: Connection, options: Namespace) -> None:
    started = perf_counter()
    loaded = load_and_report(connection, options, read_dataset, beside=options.beside)
    if options.beside and not loaded.active:
        return
    if not loaded.active:
        database.activate(connection, loaded.version)
        seconds = perf_counter() - started
        print(f"loaded and activated in {seconds:.1f} s: {loaded.rows:,} rows in {loaded.cells:,} cells")
    _announce(connection, options)
    _prune(connection, options)


def _list(connection: Connection, _options: Namespace) -> None:
    for each in database.datasets(connection):
        state = "active" if each.active else _trial_in_words(each)
        line = f"{each.version:14} {each.loaded_at:%Y-%m-%d %H:%M:%S%z} {each.cells:>9,} {each.rows:>13,}  {state}"
        print(line.rstrip())


def _activate(connection: Connection, options: Namespace) -> None:
    version: str = options.version
    if options.share is None and not options.shadow:
        database.activate(connection, version)
        print(f"active: {version}")
    else:
        on_trial = database.put_on_trial(connection, version, options.share or 1.0, options.shadow)
        print(f"{version}: {_trial_in_words(on_trial)}")
        to_switch = f"python -m faunalens.data activate {quote(version)}"
        print(f"to switch for all cells: {to_switch}; to end: python -m faunalens.data rollback")
    _announce(connection, options)


def _trial_in_words(dataset: LoadedDataset) -> str:
    if dataset.share is None:
        return ""
    cells = f"{dataset.share * 100 / BUCKETS:g}%"
    return f"compared for {cells} of the cells" if dataset.in_shadow else f"on trial for {cells} of the cells"


def _roll_back(connection: Connection, options: Namespace) -> None:
    print(f"active: {database.roll_back(connection)}")
    _announce(connection, options)


def _prune(connection: Connection, options: Namespace) -> None:
    for version in database.prune(connection, options.keep):
        print(f"dropped {version}")


def _drop(connection: Connection, options: Namespace) -> None:
    database.drop(connection, options.version)
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
    by_iam = database.prepare(connection, options.user)
    method = "with IAM tokens" if by_iam else "by the method in pg_hba.conf, because this server has no IAM sign-in"
    print(f"{options.user} has read-only access and signs in {method}")


def _announce(connection: Connection, options: Namespace) -> None:
    """Write to Redis which dataset is active and which is on trial, so that all containers switch within seconds."""
    if not options.redis_url:
        return
    settings: Settings = replace(options.settings, redis=replace(options.settings.redis, url=options.redis_url))
    with closing(build_cache(settings, patient=True)) as cache:
        cache.announce(database.rollout_text(connection), settings.features.ttl.hard, Deadline.after(options.patience))
    print("announced to Redis")


def build_parser(settings: Settings, redis_url: str = "") -> ArgumentParser:
    """Return the parser of the commands. `redis_url`: the Redis where switches are announced by default, or empty."""
    commands = Commands(settings, "python -m faunalens.data", "Manage the datasets of animals and cells.")
    commands.parser.set_defaults(redis_url="")
    add, postgres = commands.add, commands.database
    cache, version, keep = (ArgumentParser(add_help=False) for _ in range(3))
    text = "URL of the Redis that announces the switch to all containers; '' for none (default: the setting REDIS_URL)"
    url_or_none = checked(lambda url: casts.redis_url(url) if url else "")
    cache.add_argument("--redis-url", type=url_or_none, default=redis_url, metavar="URL", help=text)
    version.add_argument("version", help="version of the dataset; `list` prints all versions")
    text = "keep the N latest datasets, those in use, and the one that was active before (default: %(default)s)"
    keep.add_argument("--keep", type=checked(casts.positive_int), default=3, metavar="N", help=text)

    does = "load a dataset from this checkout and the folder of MODEL_PATH, then switch to it"
    loads = add("load", _load, does, cache, keep, postgres)
    add_source(loads, "files")
    loads.add_argument("--beside", action="store_true", help="only load; do not switch")
    add("list", _list, "list the datasets, latest first: version, time, cells, rows, and which one is active", postgres)
    does = "switch to a loaded dataset, at once or first on trial"
    activates = add("activate", _activate, does, version, cache, postgres)
    text = "use this dataset only in SHARE of the cells, such as 10%%; a larger share keeps the cells of a smaller one"
    activates.add_argument("--share", type=checked(casts.share), metavar="SHARE", help=text)
    text = "keep the active dataset's answers, and count where this one's differ, in all cells or those of --share"
    activates.add_argument("--shadow", action="store_true", help=text)
    does = "end the trial, or switch back to the dataset that was active before"
    add("rollback", _roll_back, does, cache, postgres)
    does = "compare a loaded dataset with the active one: cells, animals, and known facts that it wins and loses"
    compares = add("compare", _compare, does, version, postgres)
    compares.add_argument("--html", type=Path, metavar="FILE", help="also write maps of the ranges that change most")
    add("prune", _prune, "remove all but the latest datasets", keep, postgres)
    add("drop", _drop, "remove a dataset that is not active", version, postgres)
    text = f"name of the login, which gets the role {READER}; on Aurora it signs in with IAM"
    prepares = add("prepare", _prepare, "create the schema and a read-only login for the app", postgres)
    prepares.add_argument("user", help=text)
    explains = add("explain", check.explain, "print where an animal lives, in words, with sources and a map")
    explains.add_argument("taxon", help="id or name of the animal, such as phascolarctos-cinereus or koala")
    add("check", check.compare_with_evidence, "compare the ranges with independent evidence")
    add("facts", check.count_facts, "print how many known facts the ranges get right")
    return commands.parser


if __name__ == "__main__":
    sys.exit(main())

"""Which files an export may replace: those that an earlier export of the same study made, and that stayed as they were.

The results file has the size and the time of each. A file of somebody else, or one that was edited, needs `--force`.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import click

from cli.errors import CommandError
from cli.exports.files import STDOUT
from cli.terminal import shown, waiting

type Marks = dict[str, list[int]]
"""Size and time of files, in bytes and ns since 1970, by their paths relative to the results file's folder."""

force_option = click.option(
    "--force", is_flag=True, help="Overwrite files that are not of this study's exports, or were changed since."
)


@contextmanager
def own_files(results: Path, *targets: Path, force: bool) -> Iterator[None]:
    """Let a block write files and folders, and note what it has written.

    Raises `UsageError` if one of them is the results file, and `CommandError` if one is not the study's own.
    """
    for target in targets:
        if target.exists() and target.samefile(results):
            raise click.UsageError(f"{target} is the results file, and would be overwritten; choose another name")
    known, before = _known(results), _marks(results, targets)
    for target in () if force else targets:
        _expect_own(target, {name: known.get(name) for name in _marks(results, [target])}, before)
    try:
        names = ", ".join(shown(str(each)) for each in targets)
        with nullcontext() if STDOUT in targets else waiting(f"writing {names}"):
            yield
    finally:
        now = _marks(results, targets)
        written = {name: mark for name, mark in now.items() if before.get(name) != mark}
        text = json.dumps({**known, **written}, ensure_ascii=False, allow_nan=False)
        with suppress(sqlite3.Error), closing(sqlite3.connect(results, autocommit=True)) as connection:  # else --force
            connection.execute("insert or replace into study values ('exports', ?)", (text,))


def _expect_own(target: Path, known: dict[str, list[int] | None], found: Marks) -> None:
    if known and not any(known.values()):
        what = "has files that were not made" if target.is_dir() else "was not made"
        raise CommandError(
            f"{shown(str(target))} {what} by this study's exports; choose another name, or overwrite it with --force"
        )
    if changed := [name for name, mark in known.items() if mark and mark != found[name]]:
        raise CommandError(
            f"{shown(changed[0])} was changed since it was exported; choose another name, or overwrite it with --force"
        )


def _known(results: Path) -> Marks:
    with suppress(sqlite3.Error), closing(sqlite3.connect(results)) as connection:
        for (text,) in connection.execute("select value from study where name = 'exports'"):
            known: Marks = json.loads(text)
            return known
    return {}


def _marks(results: Path, targets: Iterable[Path]) -> Marks:
    """Return the marks of files, and of the files in folders. Pipes, devices and hidden files have none."""
    files = [
        file
        for target in targets
        if target != STDOUT
        for file in (target.iterdir() if target.is_dir() else [target])
        if file.is_file() and not (file != target and file.name.startswith("."))
    ]
    return {_name(file, results): [(status := file.stat()).st_size, status.st_mtime_ns] for file in files}


def _name(file: Path, results: Path) -> str:
    try:
        return Path(os.path.relpath(file, results.parent)).as_posix()
    except ValueError:  # another drive of Windows
        return file.absolute().as_posix()

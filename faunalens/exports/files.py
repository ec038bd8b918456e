"""Write the files of exports: whole or not at all, however large, and only over files of the same study."""

import csv
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faunalens.errors import CommandError, UsageError
from faunalens.study.results import ResultsFile
from faunalens.terminal import shown, waiting

STDOUT = Path("-")
"""Stands for standard output."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to.

    If the block ends without an error, that file replaces `path`; else it is deleted. If `path` is a link, the file
    that it points to is replaced. A device or a pipe is written to directly. `STDOUT` gets the whole file at the end.
    """
    try:
        if path == STDOUT:
            with TemporaryDirectory() as folder:
                partial = Path(folder, "output")
                yield partial
                with partial.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
        elif path.exists() and not path.is_file():
            yield path
        else:
            target = path.resolve()
            partial = target.with_name(f".{target.name}.partial")
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                yield partial
                os.replace(partial, target)  # noqa: PTH105, whole() is used with both
            finally:
                partial.unlink(missing_ok=True)
    except OSError as error:
        what = "standard output" if path == STDOUT else path
        raise CommandError(f"{what} cannot be written ({error.strerror}); choose another place") from error


@contextmanager
def table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Open a CSV file with a header. Yield a function that writes a row; columns that the row lacks are empty."""
    with whole(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n", restval="")
        writer.writeheader()
        yield writer.writerow


FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of a text that a spreadsheet runs as a formula. The name of a folder may begin with one."""


def inert(value: Any) -> Any:
    """Return a value, with a quote before it if it is a text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_lists(path: Path, head: dict[str, Any], lists: dict[str, Iterable[Any]]) -> None:
    """Write a JSON object with the entries of `head`, and then `lists`, which may be larger than memory."""
    with whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, ensure_ascii=False, allow_nan=False, indent=1).removesuffix("\n}"))
        for name, items in lists.items():
            file.write(f",\n {json.dumps(name, allow_nan=False)}: [")
            for number, item in enumerate(items):
                file.write(f"{',' if number else ''}\n  {json.dumps(item, ensure_ascii=False, allow_nan=False)}")
            file.write("\n ]")
        file.write("\n}\n")


def stamp(moment: datetime | None) -> str:
    """Return a time in ISO 8601, to the second, with its offset if it has a zone; an empty text for None."""
    return moment.isoformat(timespec="seconds") if moment else ""


def clock(moment: datetime | None) -> dict[str, str]:
    """Return a time as the field `datetime` of MegaDetector's and COCO's formats, without a zone; no field for None."""
    return {"datetime": f"{moment:%Y-%m-%d %H:%M:%S}"} if moment else {}


type Marks = dict[str, list[int]]
"""Size and time of files, in bytes and ns since 1970, by their paths relative to the results file's folder."""


@contextmanager
def own_files(results: Path, kept: ResultsFile, *targets: Path, force: bool) -> Iterator[None]:
    """Let a block write the files and folders in `targets`. Then note in the results file `kept` which files it wrote.

    The block may replace a target that an earlier export of the study made and that did not change since; for others
    it needs `force`. Raises `UsageError` if a target is the results file, and `CommandError` if `force` is needed.
    """
    for target in targets:
        if target.exists() and target.samefile(results):
            raise UsageError(f"{target} is the results file, and would be overwritten; choose another name")
    known: Marks = json.loads(kept.study().get("exports", "{}"))
    before = _marks(results, targets)
    for target in () if force else targets:
        found = _marks(results, [target])
        own = found.keys() & known.keys()
        if found and (not own or any(found[name] != known[name] for name in own)):
            what = f"{shown(str(target))} was not made by this study's exports, or was changed since"
            raise CommandError(f"{what}; choose another name, or overwrite it with --force")
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


def _marks(results: Path, targets: Iterable[Path]) -> Marks:
    """Return size and time, by path, of each file in `targets` or in a folder among them, to tell whether it changed.

    Pipes, devices and hidden files have no mark. `results`: the results file, beside which paths are relative."""
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

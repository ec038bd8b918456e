"""Write the files of exports: whole or not at all, and larger than memory."""

import csv
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cli.errors import CommandError

STDOUT = Path("-")
"""Stands for standard output."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a path to write to, which becomes `path` if the block ends well, and is removed otherwise.

    A link stays one, and what it points to is replaced. A device or a pipe is written to itself. `STDOUT` gets all at
    the end.
    """
    if path == STDOUT:
        with _said(path), TemporaryDirectory() as folder:
            partial = Path(folder, "output")
            yield partial
            with partial.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
        return
    if path.exists() and not path.is_file():
        with _said(path):
            yield path
        return
    target = path.resolve()
    partial = target.with_name(f".{target.name}.partial")
    try:
        with _said(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            os.replace(partial, target)  # noqa: PTH105, whole() is used with both
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `CommandError` that names the file."""
    try:
        yield
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
"""What a text begins with that a spreadsheet takes for a formula, which may do anything. A folder may be named so."""


def inert(value: Any) -> Any:
    """Return a value so that no spreadsheet runs it as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_lists(path: Path, head: dict[str, Any], lists: dict[str, Iterable[Any]]) -> None:
    """Write a JSON object with the keys of `head`, and then with lists that may be larger than memory."""
    with whole(path) as partial, partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, ensure_ascii=False, allow_nan=False, indent=1).removesuffix("\n}"))
        for name, items in lists.items():
            file.write(f",\n {json.dumps(name, allow_nan=False)}: [")
            for number, item in enumerate(items):
                file.write(f"{',' if number else ''}\n  {json.dumps(item, ensure_ascii=False, allow_nan=False)}")
            file.write("\n ]")
        file.write("\n}\n")


def stamp(moment: datetime | None) -> str:
    """Return a time in ISO 8601, to the second, with its zone if it has one; an empty text for None."""
    return moment.isoformat(timespec="seconds") if moment else ""


def clock(moment: datetime | None) -> dict[str, str]:
    """Return the field `datetime` of MegaDetector's and COCO's formats, without a zone; no field for None."""
    return {"datetime": f"{moment:%Y-%m-%d %H:%M:%S}"} if moment else {}

"""Rows of other programs' tables: CSV of any delimiter, with the byte order mark that spreadsheets write."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import CommandError


def rows_in(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a table by column, also of one in a zip. Fields beyond the columns are left out."""
    with path.open("rb") as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        head = text.readline()
        delimiter = max(",;\t", key=head.count)
        columns = next(csv.reader([head], delimiter=delimiter), [])
        for values in csv.reader(text, delimiter=delimiter):
            if any(values):
                yield {name: value.strip() for name, value in zip(columns, values, strict=False)}


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Name the file in what is wrong with it, as `CommandError`."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8; save it as 'CSV UTF-8'") from error
    except (OSError, csv.Error, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} cannot be read ({type(error).__name__}: {error}); export it again") from error

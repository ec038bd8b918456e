"""The CSV of corrections: what `python -m web corrections` writes, and training and evaluation read."""

from pathlib import PurePosixPath
from typing import Final

RESULT: Final = "/r/"
"""Begins the address of a result, in the column `result`."""
_FORMULA: Final = ("=", "+", "-", "@")


def quoted(animal: str) -> str:
    """Return a stranger's words with an apostrophe before what a spreadsheet would run as a formula.

    >>> quoted("=1+1"), quoted("red fox")
    ("'=1+1", 'red fox')
    """
    return f"'{animal}" if animal.startswith(_FORMULA) else animal


def unquoted(animal: str) -> str:
    """Return the words of a cell that `quoted` made.

    >>> unquoted("'=1+1"), unquoted("'i'iwi")
    ('=1+1', "'i'iwi")
    """
    return animal[1:] if animal.startswith("'") and animal[1:].startswith(_FORMULA) else animal


def picture_of(result: str) -> str:
    """Return the file name of a result's picture, which `--pictures` saves. `result`: its address."""
    return f"{PurePosixPath(result).name}.jpg"

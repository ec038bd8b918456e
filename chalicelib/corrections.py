"""The CSV of corrections: what `python -m faunalens.web corrections` writes, and training and evaluation read."""

from pathlib import PurePosixPath
from typing import Final

RESULT: Final = "/r/"
"""Beginning of the path of a result, in the column `result`."""
_FORMULA: Final = ("=", "+", "-", "@")


def quoted(animal: str) -> str:
    """Return a user's text, with an apostrophe before it if a spreadsheet would run it as a formula.

    >>> quoted("=1+1"), quoted("red fox")
    ("'=1+1", 'red fox')
    """
    return f"'{animal}" if animal.startswith(_FORMULA) else animal


def unquoted(animal: str) -> str:
    """Return the user's text from a spreadsheet cell that `quoted` made.

    >>> unquoted("'=1+1"), unquoted("'i'iwi")
    ('=1+1', "'i'iwi")
    """
    return animal[1:] if animal.startswith("'") and animal[1:].startswith(_FORMULA) else animal


def picture_of(result: str) -> str:
    """Return the name of the file in which `--pictures` saves a result's photo. `result`: address of the result."""
    return f"{PurePosixPath(result).name}.jpg"

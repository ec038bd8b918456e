"""Values of command-line options, checked as the settings are."""

from argparse import ArgumentTypeError
from collections.abc import Callable


def checked[T](cast: Callable[[str], T]) -> Callable[[str], T]:
    """Convert a cast's `ValueError` to `ArgumentTypeError`, because argparse prints only the message of the latter."""

    def convert(text: str) -> T:
        try:
            return cast(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error

    return convert

"""From the text of an environment variable to a value. Each raises `ValueError` that says what was expected."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit


def text(value: str) -> str:
    """Any text."""
    return value


def path(value: str) -> Path:
    """A path."""
    return Path(value)


def positive(value: str) -> float:
    """A number above 0."""
    number = _number(value)
    if not 0 < number < float("inf"):
        raise ValueError("expected a number above 0")
    return number


def share(value: str) -> float:
    """A number from 0 to 1."""
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError("expected a number from 0 to 1")
    return number


def count(value: str) -> int:
    """A whole number, 0 or more."""
    if not value.isascii() or not value.isdigit():
        raise ValueError("expected a whole number, 0 or more")
    return int(value)


def at_least_one(value: str) -> int:
    """A whole number, 1 or more."""
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise ValueError("expected a whole number, 1 or more")
    return int(value)


def flag(value: str) -> bool:
    """True or false."""
    flags = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return flags[value.lower()]
    except KeyError:
        raise ValueError("expected true or false") from None


def url(*schemes: str) -> Callable[[str], str]:
    """A URL with one of these schemes."""

    def parse(value: str) -> str:
        scheme, host = urlsplit(value).scheme, urlsplit(value).hostname
        if scheme not in schemes or not (host or "host=" in value):
            raise ValueError(f"expected a URL that begins with {' or '.join(f'{name}://' for name in schemes)}")
        return value

    return parse


def redis_url(value: str) -> str:
    """A URL of Redis, with TLS or without."""
    url("redis", "rediss")(value)
    try:
        _ = urlsplit(value).port
    except ValueError:  # its words may quote a password
        raise ValueError("expected a port from 0 to 65535 after the host") from None
    return value


def one_of(*words: str) -> Callable[[str], str]:
    """One of these words."""

    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return value

    return parse


def _number(value: str) -> float:
    """A number, or none (NaN) where the text is none."""
    try:
        return float(value)
    except ValueError:
        return float("nan")

"""Parsers for the values of environment variables. Each raises `ValueError`, which names the expected value."""

import re
from collections.abc import Callable
from math import inf, nan
from typing import NamedTuple
from urllib.parse import urlsplit

_RATE_LIMIT = re.compile(r"(?P<path>\*|/[^\s,]*) (?P<name>[a-z-]+)=(?P<quota>[1-9]\d*)/(?P<seconds>[1-9]\d*)", re.ASCII)


class RateLimit(NamedTuple):
    """A limit in front of the API: at most `quota` requests in `seconds`.

    `path`: path of a route, or `*` for all. `name`: says whose requests are counted together, such as `address`.
    """

    path: str
    name: str
    quota: int
    seconds: int


def _number(accepts: Callable[[float], bool], expected: str) -> Callable[[str], float]:
    """Return a parser for numbers that `accepts` returns true for. Other texts count as NaN, which is in no range."""

    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = nan
        if not accepts(number):
            raise ValueError(f"expected {expected}")
        return number

    return parse


def _whole_number(least: int) -> Callable[[str], int]:
    """Return a parser for whole numbers from `least`, which is not negative."""

    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or int(value) < least:
            raise ValueError(f"expected a whole number, {least} or more")
        return int(value)

    return parse


positive_number = _number(lambda number: 0 < number < inf, "a number above 0")
non_negative_number = _number(lambda number: 0 <= number < inf, "a number, 0 or more")
fraction = _number(lambda number: 0 <= number <= 1, "a number from 0 to 1")
lifetime = _number(lambda number: 0 < number <= 180 * 86_400, "a number above 0 and at most 15552000 (180 days)")
"""Parse a lifetime in Redis, in seconds. Jitter may double it, and no value may live there for over 366 days."""
positive_int, non_negative_int = _whole_number(1), _whole_number(0)


def assignments(value: str) -> tuple[tuple[str, str], ...]:
    """Parse settings such as `PRIOR_FLOOR=0.01 BOXES=true`, whose values contain no spaces."""
    words = [each.partition("=") for each in value.split()]
    if not all(name and equals for name, equals, _ in words):
        raise ValueError("expected NAME=VALUE, such as PRIOR_FLOOR=0.01")
    return tuple((name, text) for name, _, text in words)


def share(value: str) -> float:
    """Parse a share above 0 and at most 1, as a number or in per cent."""
    text = value.strip()
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = nan
    if not 0 < number <= 1:
        raise ValueError("expected a share such as 10% or 0.1, above 0 and at most 100%")
    return number


def boolean(value: str) -> bool:
    """Parse `true`, `yes` or `1` as true, and `false`, `no` or `0` as false, in upper or lower case."""
    values = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value.lower() not in values:
        raise ValueError("expected true or false")
    return values[value.lower()]


def url(*schemes: str) -> Callable[[str], str]:
    """Return a parser for URLs with one of these schemes."""

    def parse(value: str) -> str:
        scheme, host = urlsplit(value).scheme, urlsplit(value).hostname
        if scheme not in schemes or not (host or "host=" in value):
            raise ValueError(f"expected a URL that begins with {' or '.join(f'{name}://' for name in schemes)}")
        return value

    return parse


def origin(value: str) -> str:
    """Check the address of a server: `http` or `https` and a host, without a path."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or value != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("expected http:// or https:// and a host, without a slash at the end")
    return value


def origins(value: str) -> tuple[str, ...]:
    """Parse addresses of servers, separated by spaces; `off` means none."""
    return () if value == "off" else tuple(map(origin, value.split()))


def redis_url(value: str) -> str:
    """Check a Redis URL: `redis://`, or `rediss://` with TLS."""
    url("redis", "rediss")(value)
    try:
        _ = urlsplit(value).port
    except ValueError:  # its message may quote a password
        raise ValueError("expected a port from 0 to 65535 after the host") from None
    return value


def key_prefix(value: str) -> str:
    """Check the beginning of Redis keys. A brace would move all keys of a cluster into one slot."""
    if not re.fullmatch(r"[\w:./-]+", value, re.ASCII):
        raise ValueError("expected letters, digits and any of _:./-, such as faunalens-dev:")
    return value


def one_of[Word: str](*words: Word) -> Callable[[str], Word]:
    """Return a parser that accepts one of these words."""

    def parse(value: str) -> Word:
        if value not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return words[words.index(value)]

    return parse


def rate_limits(value: str) -> tuple[RateLimit, ...]:
    """Parse rate limits, separated by commas.

    >>> rate_limits("* address=600/300, /identify service=6300/60")[1]
    RateLimit(path='/identify', name='service', quota=6300, seconds=60)
    """
    found = [_RATE_LIMIT.fullmatch(each.strip()) for each in value.split(",")]
    if None in found:
        raise ValueError("expected PATH NAME=REQUESTS/SECONDS, such as /identify service=6300/60, separated by commas")
    return tuple(
        RateLimit(each["path"], each["name"], int(each["quota"]), int(each["seconds"])) for each in found if each
    )

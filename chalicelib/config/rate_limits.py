"""The rate limits in front of the API, which the deployment sets and the app only tells its clients."""

import re
from typing import NamedTuple

_RATE_LIMIT = re.compile(r"(?P<path>\*|/[^\s,]*) (?P<name>[a-z-]+)=(?P<quota>[1-9]\d*)/(?P<seconds>[1-9]\d*)", re.ASCII)


class RateLimit(NamedTuple):
    """At most `quota` requests in `seconds`. `path`: of a route, or `*` for all. `name`: whose requests count."""

    path: str
    name: str
    quota: int
    seconds: int


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

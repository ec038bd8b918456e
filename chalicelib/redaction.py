"""Redact secrets and locations from text that libraries wrote, before it is logged."""

import re

_SECRETS = re.compile(
    r"(?<=://)\S*@"  # user and password in a URL; greedy, since a password may hold an @
    r"|(?<=with args beginning with:).*"  # Redis quotes the arguments of a command
    r"|(?<=password=)[^\s&]+|(?<=password:)[^\s&]+"
    r"|(?<=uploads/)[\w-]+",  # anyone with an upload's id can have the photo identified
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?<![\w.])[-+]?(\d*\.\d[\d.]*(e[-+]?\d+)?|\d+e[-+]?\d+|\d{6,})"
    r"|\d*\.\d{3}[\d.]*(e[-+]?\d+)?",
    re.IGNORECASE,
)
"""Numbers that may be part of a coordinate or an IP address: with a decimal point, an exponent, or six digits and more
(as in EXIF fractions). The first pattern skips numbers that end a name, such as `python3.13`. The second one finds
three decimals and more anywhere, because the letter before may end an escape, as in `\\x1c33.8694`."""

_MAX_SUMMARY = 200
_MAX_SCANNED = 10 * _MAX_SUMMARY
"""Characters of a line that are scanned; the time of a scan grows faster than the line."""
_MAX_TRACE_LINES, _MAX_TRACE = 200, 20_000
"""Lines and characters kept from the end of a stack trace."""


def summary_of(text: str) -> str:
    """Return the first line of a library's message without secrets, at most 200 characters.

    Further lines are dropped, since those of PostgreSQL (`DETAIL`, `CONTEXT`, the query) may quote values.

    >>> summary_of('cannot parse "redis://user:secret@host"\\nLINE 1: select 1')
    'cannot parse "redis://…host"'
    """
    return _SECRETS.sub("…", text.strip().partition("\n")[0][:_MAX_SCANNED])[:_MAX_SUMMARY]


def trace_of(text: str) -> str:
    """Return a stack trace without secrets and numbers that may be coordinates. Of a long one, return the end.

    >>> trace_of("ValueError: no such place: (-33.8694, 151.2087)")
    'ValueError: no such place: (#, #)'
    """
    lines = (
        _NUMBERS.sub("#", _SECRETS.sub("…", line[:_MAX_SCANNED])) for line in text.splitlines()[-_MAX_TRACE_LINES:]
    )
    return "\n".join(line[: 2 * _MAX_SUMMARY] for line in lines)[-_MAX_TRACE:]

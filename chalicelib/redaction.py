"""Redact secrets and coordinates from errors before they are logged, and control characters from what is printed."""

import re

_SECRETS = re.compile(
    r"(?<=://)\S*@"  # user and password in a URL; greedy, since a password may hold an @
    r"|(?<=with args beginning with:).*"  # Redis errors quote the arguments of the command
    r"|(?<=password=)[^\s&]+|(?<=password:)[^\s&]+"
    r"|(?<=uploads/)[\w-]+",  # anyone who knows an upload's id can have its photo identified
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?<![\w.])[-+]?(\d*\.\d[\d.]*(e[-+]?\d+)?|\d+e[-+]?\d+|\d{6,})"
    r"|\d*\.\d{3}[\d.]*(e[-+]?\d+)?",
    re.IGNORECASE,
)
"""Matches numbers that may be part of a coordinate or an IP address: those with a decimal point, an exponent, or at
least six digits (as in EXIF fractions). The first pattern skips a number at the end of a name, such as `python3.13`.
The second pattern matches three or more decimals even after a letter, because the letter may be the end of an escape
sequence, as in `\\x1c33.8694`."""

_MAX_SUMMARY = 200
_MAX_SCANNED = 10 * _MAX_SUMMARY
"""Maximum number of characters scanned per line. The time of a scan grows faster than the length of the line."""
_MAX_TRACE_LINES, _MAX_TRACE = 200, 20_000
"""Maximum number of lines and of characters kept from the end of a stack trace."""


def summary_of(text: str) -> str:
    """Return the first line of a library's message, without secrets and cut to 200 characters.

    All other lines are dropped, because PostgreSQL quotes values in them (`DETAIL`, `CONTEXT`, the query).

    >>> summary_of('cannot parse "redis://user:secret@host"\\nLINE 1: select 1')
    'cannot parse "redis://…host"'
    """
    return _SECRETS.sub("…", text.strip().partition("\n")[0][:_MAX_SCANNED])[:_MAX_SUMMARY]


def trace_of(text: str) -> str:
    """Return the end of a stack trace, without secrets and without numbers that may be coordinates.

    >>> trace_of("ValueError: no such place: (-33.8694, 151.2087)")
    'ValueError: no such place: (#, #)'
    """
    lines = (
        _NUMBERS.sub("#", _SECRETS.sub("…", line[:_MAX_SCANNED])) for line in text.splitlines()[-_MAX_TRACE_LINES:]
    )
    return "\n".join(line[: 2 * _MAX_SUMMARY] for line in lines)[-_MAX_TRACE:]


def inert(text: str, kept: str = "\n\t") -> str:
    """Return a text for a terminal, with its control characters escaped, except those in `kept`.

    >>> inert("\\x1b[31mred.jpg\\n"), inert("a\\nb", kept="")
    ('\\\\x1b[31mred.jpg\\n', 'a\\\\nb')
    """
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode() for each in text
    )

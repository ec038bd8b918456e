"""What no log may hold: secrets, and where somebody was. Taken out of words that others wrote."""

import re

_SECRETS = re.compile(
    r"(?<=://)\S*@"  # user and password in a URL; greedy, since a password may hold an @
    r"|(?<=with args beginning with:).*"  # Redis quotes what it was sent
    r"|(?<=password=)[^\s&]+|(?<=password:)[^\s&]+"
    r"|(?<=uploads/)[\w-]+",  # whoever knows an upload's id may have the photo identified
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?<![\w.])[-+]?(\d*\.\d[\d.]*(e[-+]?\d+)?|\d+e[-+]?\d+|\d{6,})"
    r"|\d*\.\d{3}[\d.]*(e[-+]?\d+)?",
    re.IGNORECASE,
)
"""Numbers that can be part of a place: with a point (IP addresses among them), with an exponent, or large, as in EXIF's
fractions; not the end of a name, as in `python3.13`, but for three decimals and more, which no name has: the letter may
be the end of an escape, as in `\\x1c33.8694`."""

_LONGEST = 200
_READ = 10 * _LONGEST
"""Most characters of a line that are looked at, since how long that takes grows faster than the line."""
_MOST_LINES, _MOST = 200, 20_000
"""Of a stack trace, counted from its end."""


def summary_of(text: str) -> str:
    """The first line of what a library said, without secrets, at most 200 characters.

    What PostgreSQL says from its second line on (`DETAIL`, `CONTEXT`, the query) may quote values.

    >>> summary_of('cannot parse "redis://user:secret@host"\\nLINE 1: select 1')
    'cannot parse "redis://…host"'
    """
    return _SECRETS.sub("…", text.strip().partition("\n")[0][:_READ])[:_LONGEST]


def trace_of(text: str) -> str:
    """A stack trace without secrets and places, since an error may quote what it choked on; its end, if it is long.

    >>> trace_of("ValueError: no such place: (-33.8694, 151.2087)")
    'ValueError: no such place: (#, #)'
    """
    lines = (_NUMBERS.sub("#", _SECRETS.sub("…", line[:_READ])) for line in text.splitlines()[-_MOST_LINES:])
    return "\n".join(line[: 2 * _LONGEST] for line in lines)[-_MOST:]

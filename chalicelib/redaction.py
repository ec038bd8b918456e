"""What no log may hold: secrets, and where somebody was. Taken out of words that others wrote."""

import re

_SECRETS = re.compile(
    r"(?<=://)\S*@"  # user and password in a URL; greedy, since a password may hold an @
    r"|(?<=with args beginning with:).*"  # Redis quotes what it was sent
    r"|(?<=password=)[^\s&]+|(?<=password:)[^\s&]+",
    re.IGNORECASE,
)
_DECIMALS = re.compile(r"(?<![\w.])[-+]?\d*\.\d[\d.]*(?:e[-+]?\d+)?", re.IGNORECASE)
"""Numbers with a point, IP addresses among them; not the end of a name, as in `python3.13`."""

_LONGEST = 200


def summary_of(text: str) -> str:
    """The first line of what a library said, without secrets, at most 200 characters.

    What PostgreSQL says from its second line on (`DETAIL`, `CONTEXT`, the query) may quote values.

    >>> summary_of('cannot parse "redis://user:secret@host"\\nLINE 1: select 1')
    'cannot parse "redis://…host"'
    """
    return _SECRETS.sub("…", text.strip().partition("\n")[0])[:_LONGEST]


def trace_of(text: str) -> str:
    """A stack trace without secrets and without decimal numbers, since an error may quote what it choked on.

    >>> trace_of("ValueError: no such place: (-33.8694, 151.2087)")
    'ValueError: no such place: (#, #)'
    """
    return "\n".join(_DECIMALS.sub("#", _SECRETS.sub("…", line))[: 2 * _LONGEST] for line in text.splitlines())

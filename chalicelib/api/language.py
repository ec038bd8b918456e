"""The language of a page: the one that its address asks for, that a cookie remembers, or that the browser prefers."""

import re
from collections.abc import Collection, Iterator

from chalicelib.api.http import Request

PARAMETER = "lang"
"""Query parameter and cookie with a language, such as de."""
DEFAULT = "en"
_COOKIE = re.compile(rf"(?:^|;)\s*{PARAMETER}=([A-Za-z-]+)")
_PREFERRED = re.compile(r"\s*([A-Za-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")
_YEAR = 31_536_000  # seconds


def language_of(request: Request, languages: Collection[str]) -> str:
    """Return the language of a response: one of `languages`, or else `DEFAULT`."""
    wishes = [*request.query.get(PARAMETER, ()), *_COOKIE.findall(request.headers.get("cookie", ""))]
    wishes += preferred(request.headers.get("accept-language", ""))
    return next((each for each in map(_primary, wishes) if each in languages), DEFAULT)


def preferred(accepted: str) -> Iterator[str]:
    """Yield the languages of an `Accept-Language` header, the best first.

    >>> list(preferred("de-CH, fr;q=0.5, en;q=0.8, it;q=0, *"))
    ['de-CH', 'en', 'fr']
    """
    found = (_PREFERRED.fullmatch(each) for each in accepted.split(","))
    weighed = [(float(each[2] or 1), each[1]) for each in found if each]
    yield from (tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight)


def remembering(request: Request, language: str) -> dict[str, str]:
    """Return the header that makes a browser remember the language, if the address asks for it."""
    asked = map(_primary, request.query.get(PARAMETER, ()))
    cookie = f"{PARAMETER}={language}; Path={request.base}; Max-Age={_YEAR}; SameSite=Lax"
    return {"Set-Cookie": cookie} if language in asked else {}


def _primary(tag: str) -> str:
    """Return a language without its region and script: zh for zh-Hans-CN."""
    return tag.lower().partition("-")[0]

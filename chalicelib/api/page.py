"""The web page: the files in `chalicelib/web/`, which `make page` bundles from `web/page/`, and their headers."""

import re
from collections.abc import Sequence
from pathlib import Path

from chalicelib.api.http import etag
from chalicelib.api.language import DEFAULT
from chalicelib.errors import NotFound

WEB = Path(__file__).parents[1] / "web"

_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}

_POLICY = "default-src 'self'; img-src 'self' blob: data:; base-uri 'self'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",  # API Gateway and the HTTP server compress
    "X-Content-Type-Options": "nosniff",
}
_ASSET = re.compile(r"([a-z-]+)-[0-9A-Z]{8}(\.js|\.css|\.json|\.txt)")
_RELOAD = """\
const last = Number(sessionStorage.reloaded ?? 0);
if (Date.now() - last > 10_000) {
  sessionStorage.reloaded = Date.now();
  location.reload();
}
"""
"""A script in place of one of another version: it gets the current HTML, at most once in 10 s."""
_YEAR = 31_536_000
"""Seconds. Browsers keep an asset without asking again: its name contains a hash, which changes with its content."""


def languages() -> frozenset[str]:
    """Return the languages of the page."""
    return frozenset(path.stem for path in WEB.glob("*.html"))


def index(base: str, language: str = DEFAULT, origins: Sequence[str] = (), key: str = "") -> tuple[str, dict[str, str]]:
    """Return the text and headers of the page in one of its languages.

    `base`: path of the API, with a trailing slash. `origins`: further origins to which the page may send photos.
    `key`: API key that the page sends; empty for none.
    """
    from html import escape  # imported here to save 1 ms of each cold start

    text = (WEB / f"{language}.html").read_text(encoding="utf-8")
    policy = "; ".join([_POLICY, *([f"connect-src 'self' {' '.join(origins)}"] if origins else [])])
    head = f'<base href="{escape(base)}">' + (f'<meta name="api-key" content="{escape(key)}">' if key else "")
    text = text.replace('<base href="/">', head)
    own = {
        "Cache-Control": "no-cache",
        "Content-Language": language,
        "Content-Security-Policy": policy,
        "Content-Type": "text/html; charset=utf-8",
        "ETag": etag(policy + text),
        "Vary": "Accept-Encoding, Accept-Language, Cookie",
    }
    return text, _HEADERS | own


def asset(name: str) -> tuple[str, dict[str, str]]:
    """Return the text and headers of a script, a style sheet, or a list. Raises `NotFound` for any other name.

    Around a deployment, the HTML can be of another version. A script of another version becomes one that reloads the
    page, and the other files become the current ones. Browsers do not keep either.
    """
    files = {match.groups(): path for path in WEB.iterdir() if (match := _ASSET.fullmatch(path.name))}
    match = _ASSET.fullmatch(name)
    if match is None or match.groups() not in files:
        raise NotFound("the page has no file with this name")
    path, suffix = files[match.groups()], match[2]
    is_current = path.name == name
    text = _RELOAD if suffix == ".js" and not is_current else path.read_text(encoding="utf-8")
    caching = f"public, max-age={_YEAR}, immutable" if is_current else "no-store"
    return text, _HEADERS | {"Content-Type": _MEDIA_TYPES[suffix], "Cache-Control": caching}

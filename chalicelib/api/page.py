"""The web page: the files in `web/` and their response headers."""

from collections.abc import Sequence
from pathlib import Path

from chalicelib.errors import NotFound

WEB = Path(__file__).parents[1] / "web"

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

_POLICY = "default-src 'self'; img-src 'self' blob: data:; base-uri 'self'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def index(base: str, origins: Sequence[str] = ()) -> tuple[str, dict[str, str]]:
    """Return the text and headers of the page.

    `base`: path of the API, with a trailing slash. `origins`: further origins to which the page may send photos.
    """
    from html import escape  # imported here to save 1 ms of each cold start

    text, headers = asset("index.html")
    policy = "; ".join([_POLICY, *([f"connect-src 'self' {' '.join(origins)}"] if origins else [])])
    headers |= {"Content-Security-Policy": policy, "Cache-Control": "no-cache"}
    return text.replace('<base href="/">', f'<base href="{escape(base)}">'), headers


def asset(name: str) -> tuple[str, dict[str, str]]:
    """Return the text and headers of one file of the page. Raises `NotFound` if the page has no such file."""
    if name not in {path.name for path in WEB.iterdir()} or Path(name).suffix not in _MEDIA_TYPES:
        raise NotFound("the page has no file with this name")
    headers = _HEADERS | {"Content-Type": _MEDIA_TYPES[Path(name).suffix], "Cache-Control": "max-age=300"}
    return (WEB / name).read_text(encoding="utf-8"), headers

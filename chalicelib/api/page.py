"""The web page: the files in `chalicelib/web/`, which `make page` bundles from `web/page/`, and their headers."""

from collections.abc import Sequence
from pathlib import Path

from chalicelib.errors import NotFound

WEB = Path(__file__).parents[1] / "web"

_MEDIA_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}

_POLICY = "default-src 'self'; img-src 'self' blob: data:; base-uri 'self'; frame-ancestors 'none'"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",  # API Gateway and the HTTP server compress
    "X-Content-Type-Options": "nosniff",
}
_YEAR = 31_536_000
"""Seconds. Browsers keep an asset without asking again: its name contains a hash, which changes with its content."""


def index(base: str, origins: Sequence[str] = (), key: str = "") -> tuple[str, dict[str, str]]:
    """Return the text and headers of the page.

    `base`: path of the API, with a trailing slash. `origins`: further origins to which the page may send photos.
    `key`: API key that the page sends; empty for none.
    """
    from html import escape  # imported here to save 1 ms of each cold start

    text = (WEB / "index.html").read_text(encoding="utf-8")
    policy = "; ".join([_POLICY, *([f"connect-src 'self' {' '.join(origins)}"] if origins else [])])
    own = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}
    head = f'<base href="{escape(base)}">' + (f'<meta name="api-key" content="{escape(key)}">' if key else "")
    return text.replace('<base href="/">', head), _HEADERS | own


def asset(name: str) -> tuple[str, dict[str, str]]:
    """Return the text and headers of the script or the style sheet. Raises `NotFound` for any other name."""
    if name not in {path.name for path in WEB.iterdir()} or Path(name).suffix not in _MEDIA_TYPES:
        raise NotFound("the page has no file with this name")
    own = {"Content-Type": _MEDIA_TYPES[Path(name).suffix], "Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return (WEB / name).read_text(encoding="utf-8"), _HEADERS | own

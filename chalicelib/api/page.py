"""The web page: the files in `chalicelib/web/`, which `make page` bundles from `web/page/`, and their headers."""

import re
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
_ASSET = r"(app|page)-[0-9A-Z]{8}\.(js|css)"
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


def index(base: str, origins: Sequence[str] = (), key: str = "") -> tuple[str, dict[str, str]]:
    """Return the text and headers of the page.

    `base`: path of the API, with a trailing slash. `origins`: further origins to which the page may send photos.
    `key`: API key that the page sends; empty for none.
    """
    from html import escape  # imported here to save 1 ms of each cold start

    text = (WEB / "en.html").read_text(encoding="utf-8")
    policy = "; ".join([_POLICY, *([f"connect-src 'self' {' '.join(origins)}"] if origins else [])])
    own = {"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-cache"}
    head = f'<base href="{escape(base)}">' + (f'<meta name="api-key" content="{escape(key)}">' if key else "")
    return text.replace('<base href="/">', head), _HEADERS | own


def asset(name: str) -> tuple[str, dict[str, str]]:
    """Return the text and headers of the script or the style sheet. Raises `NotFound` for any other name.

    Around a deployment, the HTML can be of another version. A script of another version becomes one that reloads the
    page, and a style sheet becomes the current one. Browsers do not keep either.
    """
    current = {path.suffix: path for path in WEB.iterdir() if path.suffix in _MEDIA_TYPES}
    if not re.fullmatch(_ASSET, name):
        raise NotFound("the page has no file with this name")
    suffix = Path(name).suffix
    is_current = current[suffix].name == name
    text = _RELOAD if suffix == ".js" and not is_current else current[suffix].read_text(encoding="utf-8")
    caching = f"public, max-age={_YEAR}, immutable" if is_current else "no-store"
    return text, _HEADERS | {"Content-Type": _MEDIA_TYPES[suffix], "Cache-Control": caching}

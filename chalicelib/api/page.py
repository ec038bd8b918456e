"""The web page: the files in `chalicelib/web/`, bundled by `make page` from `faunalens/web/page/`, and their headers.

Its language is the one that its address asks for, that a cookie remembers, or that the browser prefers.

Also the files that a browser downloads once to identify photos offline: their list, and the parts of each file.
`make offline` writes the list and the parts into a folder beside the model. A part is a piece of a file's gzip stream,
small enough for one response from Lambda.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from chalicelib.api.http import JSON_HEADERS, Parameter, Request, Response, etag, unless_current
from chalicelib.errors import NotFound

LANGUAGE = "lang"
"""Query parameter and cookie with a language, such as de."""
DEFAULT_LANGUAGE = "en"
_COOKIE = re.compile(rf"(?:^|;)\s*{LANGUAGE}=([A-Za-z-]+)")
_PREFERRED = re.compile(r"\s*([A-Za-z-]+)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")

WEB = Path(__file__).parents[1] / "web"

_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}

_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; "
    "base-uri 'self'; frame-ancestors 'none'"  # wasm: a browser without signal runs the models as WebAssembly
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "geolocation=(self), camera=(self)",
    "Referrer-Policy": "no-referrer",
    "Service-Worker-Allowed": "/",  # the one that opens the page without signal is below web/
    "Vary": "Accept-Encoding",  # API Gateway and the HTTP server compress
    "X-Content-Type-Options": "nosniff",
}
_ASSET = re.compile(r"([a-z-]+)-[0-9A-Z]{8}(\.js|\.css|\.json|\.svg|\.txt)")
_RELOAD = """\
const last = Number(sessionStorage.reloaded ?? 0);
if (Date.now() - last > 10_000) {
  sessionStorage.reloaded = Date.now();
  location.reload();
}
"""
"""Sent in place of a script of another version: it reloads the page for its current HTML, at most once in 10 s."""
_YEAR = 31_536_000
"""Seconds. Browsers keep an asset without asking again: its name contains a hash, which changes with its content."""


def languages() -> frozenset[str]:
    """Return the languages of the page."""
    return frozenset(path.stem for path in WEB.glob("*.html"))


_LANGUAGES = {"type": "string", "examples": sorted(languages())}
_HELP = "Language of the page; a cookie remembers it. Default: that of the cookie, or else of Accept-Language."
PAGE = (Parameter(LANGUAGE, _LANGUAGES, _HELP),)


def index(
    base: str,
    language: str = DEFAULT_LANGUAGE,
    origins: Sequence[str] = (),
    key: str = "",
    pictures: Sequence[str] = (),
    *,
    offline: bool = False,
) -> tuple[str, dict[str, str]]:
    """Return the text and headers of the page in one of its languages.

    `base`: path of the API, with a trailing slash. `origins`: further origins to which the page may send photos.
    `key`: API key that the page sends; empty for none. `pictures`: origins of pictures of animals and their APIs.
    `offline`: whether the server has the files for use without signal.
    """
    from html import escape  # imported here to save 1 ms of each cold start

    policy = _POLICY.replace(" data:", " ".join([" data:", *pictures[1:]]))
    if others := [*origins, *pictures]:
        policy += f"; connect-src 'self' {' '.join(others)}"
    head = f'<base href="{escape(base)}">' + (f'<meta name="api-key" content="{escape(key)}">' if key else "")
    head += f'<meta name="pictures" content="{escape(" ".join(pictures))}">' if pictures else ""
    head += '<meta name="offline">' if offline else ""
    text = (WEB / f"{language}.html").read_text(encoding="utf-8").replace('<base href="/">', head)
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

    During a deployment, a browser may have HTML of another version. Instead of that version's script it gets one that
    reloads the page, and instead of any other file the current one. Browsers keep neither.
    """
    files = {match.groups(): path for path in WEB.iterdir() if (match := _ASSET.fullmatch(path.name))}
    asked = _ASSET.fullmatch(name)
    if asked is None or asked.groups() not in files:
        raise NotFound("the page has no file with this name")
    path, suffix = files[asked.groups()], asked[2]
    is_current = path.name == name
    text = _RELOAD if suffix == ".js" and not is_current else path.read_text(encoding="utf-8")
    caching = f"public, max-age={_YEAR}, immutable" if is_current else "no-store"
    return text, _HEADERS | {"Content-Type": _MEDIA_TYPES[suffix], "Cache-Control": caching}


def page_key(stage: str, api_id: str) -> str:
    """Return the API key of the page: 20 characters or more, letters and digits only, as API Gateway demands.

    Everyone can read this key in the page, so it protects nothing. It only gives the page its own limits. Both parts
    are public too: they are in the address of the API. infra/edge.yaml creates the key.
    """
    return f"faunalens{stage}page{api_id}"


def language_of(request: Request, languages: Collection[str]) -> str:
    """Return the language of a response: one of `languages`, or else `DEFAULT_LANGUAGE`."""
    wishes = [*request.query.get(LANGUAGE, ()), *_COOKIE.findall(request.headers.get("cookie", ""))]
    wishes += preferred(request.headers.get("accept-language", ""))
    return next((each for each in map(_primary, wishes) if each in languages), DEFAULT_LANGUAGE)


def preferred(accepted: str) -> Iterator[str]:
    """Yield the languages of an `Accept-Language` header, the best first.

    >>> list(preferred("de-CH, fr;q=0.5, en;q=0.8, it;q=0, *"))
    ['de-CH', 'en', 'fr']
    """
    found = (_PREFERRED.fullmatch(each) for each in accepted.split(","))
    weighed = [(float(each[2] or 1), each[1]) for each in found if each]
    yield from (tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight)


def remembering(request: Request, language: str) -> dict[str, str]:
    """Return the header that makes a browser remember `language`; empty unless the address asks for that language."""
    asked = map(_primary, request.query.get(LANGUAGE, ()))
    cookie = f"{LANGUAGE}={language}; Path={request.base}; Max-Age={_YEAR}; SameSite=Lax"
    return {"Set-Cookie": cookie} if language in asked else {}


def _primary(tag: str) -> str:
    """Return a language without its region and script: zh for zh-Hans-CN."""
    return tag.lower().partition("-")[0]


OFFLINE_FOLDER = "offline"
"""Name of the folder beside the model."""
OFFLINE_LIST = "offline.json"
OFFLINE_PREFIX = "/offline/"
"""Path of the parts, below the base path of the API."""
OFFLINE_PART_BYTES = 4_000_000
"""Most bytes of a part: Lambda's answers have at most 6 MB, after base64."""
_PART = re.compile(r"[0-9a-f]{16}-[0-9]{1,2}", re.ASCII)
_FOREVER = "public, max-age=31536000, immutable, no-transform"
"""A part never changes, because its name contains a hash of its file. No proxy need compress it: it is gzip."""


def offline_list(request: Request, folder: Path) -> Response:
    """Return the list of the files for offline use. Raises `NotFound` if this server has none."""
    try:
        text = (folder / OFFLINE_LIST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound("this server offers no files for use without signal; send photos to POST /identify") from None
    return unless_current(request, Response(text, {**JSON_HEADERS, "Cache-Control": "no-cache", "ETag": etag(text)}))


def offline_part(folder: Path, name: str) -> Response:
    """Return the part called `name` of one of these files. Raises `NotFound` if no part has this name."""
    try:
        if not _PART.fullmatch(name):
            raise FileNotFoundError
        data = _shared(folder / name)
    except FileNotFoundError:
        raise NotFound(
            f"no file for use without signal has this part; {OFFLINE_LIST} lists the current parts"
        ) from None
    headers = {
        "Content-Type": "application/octet-stream",
        "Cache-Control": _FOREVER,
        "X-Content-Type-Options": "nosniff",
    }
    return Response(data, headers)


@lru_cache(maxsize=16)
def _shared(path: Path) -> bytes:
    """Return the bytes of a part. A thousand clients that take it slowly have it in memory once, not once each."""
    return path.read_bytes()

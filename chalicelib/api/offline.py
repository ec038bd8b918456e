"""The files that a browser downloads once to identify photos offline: their list, and the parts of each file.

`make offline` writes the list and the parts into a folder beside the model. A part is a piece of a file's gzip stream,
small enough for one response from Lambda.
"""

import re
from functools import lru_cache
from pathlib import Path

from chalicelib.api.http import JSON_HEADERS, Request, Response, etag, unless_current
from chalicelib.errors import NotFound

FOLDER = "offline"
"""Name of the folder beside the model."""
LIST = "offline.json"
PREFIX = "/offline/"
"""Path of the parts, below the base path of the API."""
PART_BYTES = 4_000_000
"""Most bytes of a part: Lambda's answers have at most 6 MB, after base64."""
MEDIA_TYPE = "application/octet-stream"
_PART = re.compile(r"[0-9a-f]{16}-[0-9]{1,2}", re.ASCII)
_FOREVER = "public, max-age=31536000, immutable, no-transform"
"""A part never changes, because its name contains a hash of its file. No proxy need compress it: it is gzip."""


def offer(request: Request, folder: Path) -> Response:
    """Return the list of the files for offline use. Raises `NotFound` if this server has none."""
    try:
        text = (folder / LIST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound("this server offers no files for use without signal; send photos to POST /identify") from None
    return unless_current(request, Response(text, {**JSON_HEADERS, "Cache-Control": "no-cache", "ETag": etag(text)}))


def part(folder: Path, name: str) -> Response:
    """Return the part called `name` of one of these files. Raises `NotFound` if no part has this name."""
    try:
        if not _PART.fullmatch(name):
            raise FileNotFoundError
        data = _shared(folder / name)
    except FileNotFoundError:
        raise NotFound(f"no file for use without signal has this part; {LIST} lists the current parts") from None
    headers = {"Content-Type": MEDIA_TYPE, "Cache-Control": _FOREVER, "X-Content-Type-Options": "nosniff"}
    return Response(data, headers)


@lru_cache(maxsize=16)
def _shared(path: Path) -> bytes:
    """Return the bytes of a part. A thousand clients that take it slowly have it in memory once, not once each."""
    return path.read_bytes()

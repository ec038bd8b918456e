"""ASGI messages: what a scope says of a request, and how a response is sent, compressed as API Gateway does it."""

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import Response

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

DRAIN_SECONDS = 10.0  # to keep reading a rejected body, so that the client can finish sending it and read the response
_URL_CHARACTERS = "/%:@!$&'()*+,;=?"  # those with a meaning in a URL, which `quote` keeps
MINIMUM = 1024  # least bytes of a body that is compressed: `minimum_compression_size` in .chalice/config.json
LEVEL = 6  # gzip's level; 9 would make the page's script only 2 bytes smaller
_NO = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


def compressed(response: Response, accepted: str) -> Response:
    """Return the response with a gzip body if the client accepts that and the body is not small.

    `accepted`: the client's `Accept-Encoding`, or an empty string.
    """
    body = response.body if isinstance(response.body, bytes) else response.body.encode()
    media_type, kept = (response.headers.get(name, "") for name in ("Content-Type", "Cache-Control"))
    is_final = media_type == "image/jpeg" or "no-transform" in kept  # compressed already, or not to be touched
    if len(body) < MINIMUM or is_final or not accepts_gzip(accepted):
        return response
    headers = {"Vary": "Accept-Encoding", **response.headers, "Content-Encoding": "gzip"}
    return response._replace(body=gzip.compress(body, LEVEL, mtime=0), headers=headers)


def accepts_gzip(accepted: str) -> bool:
    """Return whether an `Accept-Encoding` header names gzip, without the weight 0."""
    codings = (each.partition(";") for each in accepted.lower().split(","))
    return any(coding.strip() == "gzip" and not _NO.fullmatch(weight) for coding, _, weight in codings)


async def send_response(send: Send, method: str, response: Response, drain: Receive | None = None) -> None:
    """Send a response. `drain`: receives the unread rest of the request body, which is dropped.

    If the connection closed at once, it would be reset, and the client might never see the response.
    """
    data = response.body if isinstance(response.body, bytes) else response.body.encode()
    body, headers = b"" if method == "HEAD" else data, {**response.headers}
    if response.status != 304:  # there it would be the length of the body that the client has
        headers["Content-Length"] = str(len(data))
    if drain:
        headers["Connection"] = "close"
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    if drain:
        await send({"type": "http.response.body", "body": body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while (message := await drain())["type"] == "http.request" and message.get("more_body"):
                    pass
        body = b""
    await send({"type": "http.response.body", "body": body})


def has_body(scope: Scope) -> bool:
    """Return whether the client sends a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers by lower-case name."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def address_of(scope: Scope) -> str:
    """Return the path and the query in ASCII, with the client's percent-encoding unchanged."""
    path, query = quote(scope["raw_path"], _URL_CHARACTERS), quote(scope["query_string"], _URL_CHARACTERS)
    return f"{path}?{query}" if query else path

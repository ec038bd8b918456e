"""How responses are sent: compressed as API Gateway does it, and so that a client whose body is refused reads why."""

import asyncio
import gzip
import re
from contextlib import suppress

from starlette import responses
from starlette.types import Receive, Scope, Send

from chalicelib.api.http import Response

DRAIN_SECONDS = 10.0  # to keep reading a rejected body, so that the client can finish sending it and read the response
MINIMUM = 1024  # least bytes of a body that is compressed: `minimum_compression_size` in .chalice/config.json
LEVEL = 6  # gzip's level; 9 would make the page's script only 2 bytes smaller
_NO = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


def compressed(response: Response, accepted: str) -> Response:
    """Return the response with a gzip body if the client accepts that and the body is not small.

    `accepted`: the client's `Accept-Encoding`, or an empty string. Runs on the thread of the request. Starlette's
    middleware would hold up the event loop, for 1 ms with 28 kB, and ignore weights and `no-transform`.
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


def outgoing(response: Response) -> responses.Response:
    """Return a response of the application as one of Starlette."""
    return responses.Response(response.body, response.status, response.headers)


class Unread(responses.Response):
    """A response to a request whose body is still arriving. The rest of the body is received and dropped.

    If the connection closed at once, it would be reset, and the client might never see the response.
    """

    def __init__(self, response: Response) -> None:
        super().__init__(response.body, response.status, {**response.headers, "Connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                    pass
        await send({"type": "http.response.body"})

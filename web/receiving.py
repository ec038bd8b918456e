"""Receive the body of a request, within limits of size and speed."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from chalicelib.errors import PhotoTooLarge, RequestTimeout

type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

RATE_WINDOW = 10.0
"""Length in seconds of the periods in which the rate of a body is measured. A client that is too slow gets 408."""


class ClientGone(Exception):
    """The client closed the connection before its whole request had arrived."""


class Body(Protocol):
    """A body to which `receive_body` adds the parts that arrive."""

    async def add(self, part: bytes) -> None:
        """Add the next part."""


class MemoryBody:
    """A body in memory."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    async def add(self, part: bytes) -> None:
        """Add the next part."""
        self._parts.append(part)

    def whole(self) -> bytes:
        """Return all parts, joined."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


async def receive_body(
    receive: Receive, body: Body, arrived: Callable[[int], None], most: int, too_large: PhotoTooLarge, rate: float
) -> None:
    """Receive the whole body. `arrived`: called with the length of each part. `rate`: lowest rate in bytes per second.

    Raises `too_large` if there are more than `most` bytes, `RequestTimeout` if the client is too slow, `ClientGone` if
    it closes the connection, and what `body` and `arrived` raise.
    """
    length = 0
    now = asyncio.get_running_loop().time
    window_bytes = RATE_WINDOW * rate
    window_end = window_bytes
    try:
        async with asyncio.timeout(RATE_WINDOW) as timeout:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                arrived(len(part))
                length += len(part)
                if length > most:
                    raise too_large
                await body.add(part)
                if not message.get("more_body"):
                    return
                if length >= window_end:
                    window_end = length + window_bytes
                    timeout.reschedule(now() + RATE_WINDOW)
    except TimeoutError:
        raise RequestTimeout("the body arrived too slowly; use a faster connection or send a smaller photo") from None

"""Receive the body of a request, within limits of size and speed: in memory, or its photos in temporary files.

With files, large uploads take hardly any memory. Size and format of each photo are checked while it arrives.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from types import TracebackType
from typing import BinaryIO, Self

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from chalicelib.api.http import SpooledBody
from chalicelib.api.parameters import FormParser, is_form
from chalicelib.errors import ClientError, PhotoTooLarge, RequestTimeout, Unavailable
from chalicelib.photo.formats import ENOUGH, detect_format

RATE_WINDOW = 10.0  # seconds of each period in which the rate of a body is measured


class HeldBytes:
    """A limit on all bodies that are being received or processed: `most` bytes together. For one event loop."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0

    @contextmanager
    def receiving(self, declared: int) -> Iterator[Callable[[int], None]]:
        """Admit a body of `declared` bytes. Yield a function to call with the length of each part that arrives.

        Only bytes that have arrived count. If declared bytes counted, a few slow clients could block all others.
        Entering the context and calling the function raise `Unavailable` if too many bytes would be held.
        """
        own = 0

        def check(more: int) -> None:
            if self._held > own and self._held + more > self._most:  # the only body is never rejected
                text = "too many photos are being received; try again in a moment"
                raise Unavailable(text, retry_after=1, limit="bodies")

        def arrived(length: int) -> None:
            nonlocal own
            check(length)
            own += length
            self._held += length

        check(declared)
        try:
            yield arrived
        finally:
            self._held -= own


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
    receive: Receive,
    body: "MemoryBody | Spool",
    arrived: Callable[[int], None],
    most: int,
    too_large: ClientError,
    rate: float,
) -> None:
    """Receive the whole body. `arrived`: called with the length of each part. `rate`: lowest rate in bytes per second.

    Raises `too_large` if there are more than `most` bytes, `RequestTimeout` if the client is too slow,
    `ClientDisconnect` if it closes the connection, and what `body` and `arrived` raise.
    """
    length, now = 0, asyncio.get_running_loop().time
    window_end = window_bytes = RATE_WINDOW * rate
    try:
        async with asyncio.timeout(RATE_WINDOW) as timeout:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
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


BATCH = 128 * 1024  # bytes that are written together: a request has hundreds of small parts


class PhotoFile:
    """A photo that is written to a temporary file. Raises the errors of `open_photo` for its size and format."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file, self._most = file, most
        self._head, self._size = b"", 0

    def write(self, data: bytes) -> None:
        """Write the next bytes. Raises `PhotoTooLarge` and `UnsupportedMediaType`."""
        self._size += len(data)
        if self._size > self._most:
            raise PhotoTooLarge(f"the photo is larger than {self._most / 1e6:g} MB; send a smaller one")
        if (missing := ENOUGH - len(self._head)) > 0:
            self._head += data[:missing]
            if len(data) >= missing:
                detect_format(self._head)
        self.file.write(data)

    def finish(self) -> None:
        """Rewind the file. Check the format of a photo shorter than `ENOUGH`; `open_photo` rejects an empty one."""
        if 0 < len(self._head) < ENOUGH:
            detect_format(self._head)
        self.file.seek(0)


class Spool:
    """The body of one identification, a photo or a form. Use it in a `with` block, which deletes the files.

    `most`: maximum number of bytes of a photo. `threads`: where files are written, so that the event loop does not wait
    for the disk. The constructor raises `UnsupportedMediaType` and `BadRequest`. All methods raise `Unavailable` if the
    disk fails.
    """

    def __init__(self, content_type: str, most: int, threads: Executor) -> None:
        self._most, self._threads, self._files = most, threads, ExitStack()
        self._parts: list[bytes] = []
        self._held = 0
        self._form = FormParser(content_type, self._open) if is_form(content_type) else None
        self._photo = None if self._form else self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # the disk is full, so the last bytes cannot be written; no one needs them
            self._files.close()

    async def add(self, part: bytes) -> None:
        """Add the next part of the body. Raises `ClientError`, as soon as a photo or a form turns out to be invalid."""
        self._parts.append(part)
        self._held += len(part)
        if self._held >= BATCH:
            await self._flush()

    async def finish(self) -> SpooledBody:
        """Return the photos and the text fields after the last part. Raises `ClientError`."""
        await self._flush()
        fields = self._form.finish() if self._form else {}
        photos = self._form.photos if self._form else [each for each in (self._photo,) if each]
        with _disk():
            for photo in photos:
                photo.finish()
        return SpooledBody([photo.file for photo in photos], fields)

    async def _flush(self) -> None:
        parts, self._parts, self._held = self._parts, [], 0
        with _disk():
            await asyncio.get_running_loop().run_in_executor(self._threads, self._write, parts)

    def _write(self, parts: list[bytes]) -> None:
        for part in filter(None, parts):
            if self._form:
                self._form.feed(part)
            elif self._photo:
                self._photo.write(part)

    def _open(self) -> PhotoFile:
        with _disk():
            return PhotoFile(self._files.enter_context(TemporaryFile()), self._most)


@contextmanager
def _disk() -> Iterator[None]:
    """Turn errors of the disk into `Unavailable`."""
    try:
        yield
    except OSError as error:
        raise Unavailable("photos cannot be received just now; try again in a moment") from error

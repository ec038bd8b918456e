"""Bodies within limits of size and speed; photos in temporary files, checked while they arrive, and gone afterwards."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.errors import BadRequest, ClientError, PhotoTooLarge, RequestTimeout, Unavailable, UnsupportedMediaType
from chalicelib.photo.formats import ENOUGH
from faunalens.web import body as module
from faunalens.web.body import BATCH, HeldBytes, MemoryBody, Spool, receive_body
from tests.support.pictures import jpeg
from tests.support.servers import run

MOST = 500_000
FORM = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="photo"\r\n\r\n'


def spooled(body: bytes, content_type: str = "image/jpeg", part: int = 65_536) -> tuple[list[bytes], dict[str, str]]:
    """Return photos and fields of a body that arrives in parts."""

    async def receive() -> tuple[list[bytes], dict[str, str]]:
        with ThreadPoolExecutor(1) as threads, Spool(content_type, MOST, threads) as receiving:
            for start in range(0, len(body), part):
                await receiving.add(body[start : start + part])
            found = await receiving.finish()
            return [photo.read() for photo in found.photos], dict(found.fields)

    return run(receive())


def missing() -> None:
    raise FileNotFoundError


@pytest.mark.parametrize("content_type", ["image/jpeg", FORM])
@pytest.mark.parametrize(
    "temporary", [partial(Path("/dev/full").open, "r+b", buffering=0), missing], ids=["full", "no folder"]
)
def test_a_full_disk_and_a_missing_folder_are_unavailable(
    monkeypatch: pytest.MonkeyPatch, temporary: Callable[[], object], content_type: str
) -> None:
    photo = jpeg() + b"\1" * (2 * BATCH)
    body = photo if content_type != FORM else HEAD + photo + b"\r\n--b--\r\n"
    monkeypatch.setattr(module, "TemporaryFile", temporary)
    with pytest.raises(Unavailable) as raised:
        spooled(body, content_type)
    assert isinstance(raised.value.__cause__, OSError)  # the log says why


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector.select = self._jump  # type: ignore[attr-defined]

    def time(self) -> float:
        return self._now

    def _jump(self, timeout: float | None) -> list[Any]:
        self._now += timeout or 0.0
        return []


def received(parts: Sequence[tuple[float, int]], rate: float) -> int:
    """Receive a body whose parts arrive after so many seconds each, with so many bytes. Return its length."""

    async def receive_all() -> int:
        left = list(parts)

        async def receive() -> dict[str, Any]:
            seconds, length = left.pop(0)
            await asyncio.sleep(seconds)
            return {"type": "http.request", "body": bytes(length), "more_body": bool(left)}

        body = MemoryBody()
        await receive_body(receive, body, lambda _: None, MOST, PhotoTooLarge("too large"), rate)
        return len(body.whole())

    return run(receive_all(), VirtualLoop)


def test_a_body_at_the_lowest_rate_is_read_and_one_that_stops_is_cut_off_however_much_has_arrived() -> None:
    # GIVEN a lowest rate of 10 kB/s in windows of 10 s WHEN 11 kB/s arrive THEN they are read, in three windows
    assert received([(0.9, 10_000)] * 25, 10_000) == 250_000
    for rest in ([(0.0, 2), (21.0, 1)], [(0.0, 90_000), (21.0, 1)], [(0.0, 100_000), *[(1.0, 1_000)] * 25]):
        with pytest.raises(RequestTimeout):
            received(rest, 10_000)


def test_a_form_has_photos_and_fields() -> None:
    photo = jpeg() + b"\2" * BATCH
    place = b'--b\r\nContent-Disposition: form-data; name="lat"\r\n\r\n1\r\n'
    body = HEAD + photo + b"\r\n" + place + HEAD + jpeg() + b"\r\n--b--\r\n"
    assert spooled(body, FORM, part=1000) == ([photo, jpeg()], {"lat": "1"})


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (jpeg() + b"\0" * MOST, "image/jpeg", PhotoTooLarge),
        (HEAD + jpeg() + b"\0" * MOST, FORM, PhotoTooLarge),
        (b"short", "image/jpeg", UnsupportedMediaType),
        (b"x" * ENOUGH, "image/jpeg", UnsupportedMediaType),
        (b"<html>" * 50_000, "image/jpeg", UnsupportedMediaType),
        (jpeg(), "text/plain", UnsupportedMediaType),
        (HEAD + jpeg(), FORM, BadRequest),
    ],
)
def test_what_is_no_photo_is_refused(body: bytes, content_type: str, error: type[ClientError]) -> None:
    with pytest.raises(error):
        spooled(body, content_type)


def test_it_is_refused_before_the_rest_has_arrived() -> None:
    async def add() -> None:
        with ThreadPoolExecutor(1) as threads, Spool("image/png", MOST, threads) as receiving:
            await receiving.add(b"no photo" * (BATCH // 7))

    with pytest.raises(UnsupportedMediaType):
        run(add())


def test_only_bytes_that_have_arrived_count() -> None:
    # GIVEN ten clients that announce large bodies and send little
    memory = HeldBytes(100)
    with ExitStack() as held:
        for _ in range(10):
            held.enter_context(memory.receiving(50))(5)
        # WHEN one sends more than there is room for THEN only that one is refused
        with memory.receiving(40) as arrived:
            arrived(40)
            with pytest.raises(Unavailable, match="too many photos are being received"):
                arrived(20)
    # AND a body over the whole limit is taken alone: a mistake in the settings must not refuse it for ever
    with memory.receiving(500) as arrived:
        for _ in range(2):
            arrived(250)

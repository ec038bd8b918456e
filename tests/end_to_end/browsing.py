"""What a person brings to the page: a screen, a photo; and what the API may say of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, FloatRect, Locator, Page, Route, ViewportSize

from tests.support import pictures

PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 800}

Open = Callable[..., Page]
"""Opens an address in a new window; takes the options of Playwright's `new_context`, and `before`, which gets the empty
window."""
Identified = Callable[..., Page]
"""Opens the page, and gives it a photo that was taken in Sydney, or `photos`. Takes the answer and its status, unless
the stand-in has them, and the options of `Open`."""


def photo(data: bytes | None = None, name: str = "photo.jpg", kind: str = "image/jpeg") -> FilePayload:
    """A file to choose; by default a JPEG that was taken in Sydney."""
    return {"name": name, "mimeType": kind, "buffer": data or pictures.jpeg(exif=pictures.exif(pictures.SYDNEY))}


def unreadable(folder: Path, size: int, name: str = "large.heic") -> Path:
    """A file of `size` bytes that only the API reads; as a path, since large files as bytes take Playwright seconds."""
    path = folder / name
    path.write_bytes(b"\0\0\0\x18ftypheic".ljust(size, b"\0"))
    return path


def problem(code: str, status: int, detail: str = "what happened") -> tuple[dict[str, Any], int]:
    """Problem details and their status."""
    return {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail}, status


def box_of(shown: Locator) -> FloatRect:
    """Where something that is shown is on the screen."""
    box = shown.bounding_box()
    assert box is not None, shown
    return box


def posted_to(shown: Page, bucket: str) -> list[bytes]:
    """What a page posts to a bucket from now on, which takes it."""
    posted: list[bytes] = []

    def take(route: Route) -> None:
        posted.append(route.request.post_data_buffer or b"")
        route.fulfill(status=204, headers={"Access-Control-Allow-Origin": "*"})

    shown.route(f"{bucket}/**", take)
    return posted


def add_place(shown: Page, button: str = "#elsewhere", place: str = "48.86, 2.29") -> None:
    """Press the button that asks for the place, and give coordinates."""
    shown.click(button)
    shown.fill("#place-name", place)
    shown.click("#place-use")


def settle(shown: Page) -> None:
    """Let a page do what it would do at once: two frames, in which it sees what is in view, then a request."""
    shown.evaluate("""async () => {
        for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
        await fetch(location.href);
    }""")

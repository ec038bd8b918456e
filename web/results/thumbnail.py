"""Thumbnails of photos, without EXIF."""

import io
from collections.abc import Callable
from threading import Lock

from chalicelib.errors import ClientError
from chalicelib.photo.decode import Limits, open_photo

SIDE = 400
"""The longer side in pixels: enough for the previews of messengers, which scale it down."""
QUALITY = 80
MOST_DECODE_BYTES = 100_000_000
"""Maximum memory for decoding a photo. A PNG of 64 MP would need more than a small container has."""
WAIT_SECONDS = 3.0
"""Longest wait for the photos before. Many slow ones at once would hold all answers back, which are there already."""
_one_at_a_time = Lock()


def thumbnail(read: Callable[[], bytes], limits: Limits) -> bytes | None:
    """Return a photo as an upright JPEG whose longer side has `SIDE` pixels. `read`: returns the photo.

    Returns None if the photo cannot be decoded, would take too much memory, or would wait too long: threads take turns,
    so only one of them has a photo in memory.
    """
    from PIL import Image

    if not _one_at_a_time.acquire(timeout=WAIT_SECONDS):
        return None
    try:
        opened = open_photo(read(), limits)
        if opened.decode_bytes(SIDE) > MOST_DECODE_BYTES:
            opened.close()
            return None
        small = Image.fromarray(opened.decode(SIDE).whole(SIDE))  # animals are often at the edge
    except ClientError:
        return None
    finally:
        _one_at_a_time.release()
    file = io.BytesIO()
    small.save(file, "JPEG", quality=QUALITY, optimize=True)
    return file.getvalue()

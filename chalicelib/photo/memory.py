"""Memory for decoding photos: how much a photo takes, how much there is, and which photo gets it.

The bytes per pixel are upper bounds of the peaks that `python -m benchmarks.decode` measures;
docs/explanation/photos.md has the table.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition

from PIL import Image
from PIL.ExifTags import Base

from chalicelib.errors import PhotoTooLarge, SettingError, Unavailable

PROCESS = 250_000_000
"""Bytes of a process that decodes no photo: Python, the libraries, the model and the features in memory. 190 MB are
measured after a hundred photos (`python -m benchmarks.request`)."""
DECODE = 400_000_000
"""Bytes for decoding photos outside Lambda: enough for one HEIC photo of 48 MP from a phone."""
_CGROUP_FILES = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""The limit of a container's memory, in version 2 and version 1 of Linux's control groups."""
_FIXED = 8_000_000
"""Bytes for tables, rows in progress, and the parts that models see."""
_STORED = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2}
"""Bytes per pixel of a decoded image in Pillow, by mode; 4 for all others."""
_CONVERTED = {"L": 0, "RGB": 0, "I": 8, "F": 8, "LA": 8, "PA": 8, "I;16": 4, "I;16L": 4, "I;16B": 4}
"""Bytes per pixel of the copies that `Picture` makes of a decoded image, by mode; 4 for all others."""
_TRANSPARENCY = 8
"""Bytes per pixel of both copies of an image with one transparent colour: RGBA, and with premultiplied colours."""


def decode_bytes(wanted: int, lambda_mib: int, other: int = 0) -> int:
    """Return the number of bytes that decoding photos may use.

    `wanted`: value of the setting `PHOTO_DECODE_BYTES`, or 0 for the default. `lambda_mib`: memory of the Lambda
    function in MiB, or 0 outside Lambda. `other`: bytes that the process needs for other purposes. A Lambda function
    handles one photo at a time, so the default on Lambda is all of the remaining memory.
    Raises `SettingError` if there is not enough memory.
    """
    memory = lambda_mib * 2**20 or memory_limit()
    left = memory - PROCESS - other
    size = wanted or (left if lambda_mib else DECODE)
    if not 0 < size <= left:
        used = f", beside {other / 1e6:.0f} MB for bodies or the packs of PACKS_PATH" if other else ""
        raise SettingError(
            f"PHOTO_DECODE_BYTES is {max(size, 0) / 1e6:.0f} MB, but only {max(left, 0) / 1e6:.0f} MB are left of "
            f"{memory / 1e6:.0f} MB of memory{used}; lower the setting, or give the process more memory"
        )
    return size


def memory_limit() -> int:
    """Return the bytes that this process may use: its container's limit, or the machine's memory if that is smaller."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUP_FILES:
        with suppress(OSError, ValueError):  # not Linux, another version of control groups, or "max" for no limit
            limits.append(int(path.read_text()))
    return min(limits)


class DecodeMemory:
    """The memory for decoding photos. Photos get memory in the order of their arrival. Thread-safe.

    `total`: number of bytes. `patience`: maximum number of seconds that a photo waits for memory.
    """

    def __init__(self, total: int, patience: float) -> None:
        self.total, self._patience = total, patience
        self._free = total
        self._waiting: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Wait until `size` bytes are free, and reserve them until the `with` block ends.

        Raises `PhotoTooLarge` if `size` exceeds the total, and `Unavailable` if the wait is too long.
        """
        if size > self.total:
            raise PhotoTooLarge(
                f"decoding the photo takes {size / 1e6:.0f} MB of memory, but at most {self.total / 1e6:.0f} MB are "
                "available; send a smaller one, or save it as JPEG"
            )
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                is_next = lambda: self._waiting[0] is ticket and self._free >= size  # noqa: E731
                if not self._changed.wait_for(is_next, timeout=self._patience):
                    message = "too many large photos are being decoded; try again in 2 s"
                    raise Unavailable(message, retry_after=2, limit="decoding")
                self._free -= size
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()


def jpeg_bytes(image: Image.Image, draft_side: int, *, buffered: bool) -> int:
    """Return the maximum number of bytes that decoding a JPEG takes, not counting the file.

    `draft_side`: smallest side in pixels to which the decoder may scale the image down. `buffered`: whether the decoder
    keeps the coefficients of the whole image in memory.
    """
    most = min(image.size) // draft_side
    scale = next((scale for scale in (8, 4, 2) if scale <= most), 1)
    coefficients = _coefficient_bytes(image) if buffered else 0.0
    return flat_bytes(image.size, coefficients + mode_bytes(image) / scale**2)


def tiff_bytes(image: Image.Image) -> int:
    """Return the most bytes that decoding a TIFF takes: the decoder keeps the whole image, and one strip or tile."""
    tags = getattr(image, "tag_v2", {})
    rotated = tags.get(Base.Orientation, 1) != 1
    strip_width = _int_tag(image, Base.TileWidth) or max(image.size)
    rows = min(_int_tag(image, Base.RowsPerStrip) or image.height, max(image.size))
    strip_height = _int_tag(image, Base.TileLength) or rows
    bits = tags.get(Base.BitsPerSample, (8,))
    sample_bytes = max(4, sum(bits) // 8 + 1 if isinstance(bits, tuple) else 8)
    per_pixel = mode_bytes(image) + (_STORED.get(image.mode, 4) if rotated else 0)
    return flat_bytes(image.size, per_pixel) + strip_width * strip_height * sample_bytes


def tile_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of a TIFF's tiles, or (0, 0) if it has none. A tile may be larger than the image."""
    return _int_tag(image, Base.TileWidth), _int_tag(image, Base.TileLength)


def heic_bytes(image: Image.Image) -> int:
    """Return the maximum number of bytes that decoding a HEIC photo takes, not counting the file."""
    deep, alpha = image.info.get("bit_depth", 8) > 8, image.mode not in ("L", "RGB")
    per_pixel = 8 if image.info.get("chroma") in (400, 420) else 16 if deep else 10
    return flat_bytes(image.size, per_pixel + (5 if deep and alpha else 1 if alpha else 0))


def flat_bytes(size: tuple[int, int], per_pixel: float) -> int:
    """Return the maximum number of bytes that decoding a photo of `size` pixels takes, not counting the file."""
    return _FIXED + int(size[0] * size[1] * per_pixel)


def mode_bytes(image: Image.Image) -> int:
    """Return the bytes per pixel of a decoded image and of its copies in `Picture`."""
    converted = _TRANSPARENCY if "transparency" in image.info else _CONVERTED.get(image.mode, 4)
    return _STORED.get(image.mode, 4) + converted


def _coefficient_bytes(image: Image.Image) -> float:
    """Return the bytes per pixel of all coefficients of a JPEG: two bytes per sample of each component."""
    layers: list[tuple[int, int, int, int]] = getattr(image, "layer", [])
    factors = [(horizontal, vertical) for _, horizontal, vertical, _ in layers] or [(1, 1)]
    largest = max(horizontal for horizontal, _ in factors) * max(vertical for _, vertical in factors)
    return 2.0 * sum(horizontal * vertical for horizontal, vertical in factors) / largest


def _int_tag(image: Image.Image, tag: int) -> int:
    """Return the value of a TIFF tag, or 0 if it is missing or not an int."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return value if isinstance(value, int) else 0

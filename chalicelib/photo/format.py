"""Detect the format of a photo from its first bytes, never from the client's word."""

from chalicelib.errors import UnsupportedMediaType

FORMATS = "JPEG, PNG, WebP, HEIC or TIFF"
ENOUGH = 256
"""Number of bytes from which the format can be detected."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


def detect_format(data: bytes) -> str:
    """Return the name of a photo's format. `data`: at least the first `ENOUGH` bytes, if there are as many.

    Raises `UnsupportedMediaType`.

    >>> detect_format(b"RIFF....WEBP")
    'WebP'
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WebP"
    if data.startswith((b"II*\x00", b"MM\x00*")):
        return "TIFF"
    if data[4:8] == b"ftyp" and _HEIF_BRANDS & _brands_of(data):
        return "HEIC"
    raise UnsupportedMediaType(f"the file is not a photo in a supported format; send {FORMATS}")


def _brands_of(data: bytes) -> set[bytes]:
    """Return the major and compatible brands in the first box of an ISO base media file."""
    end = min(int.from_bytes(data[:4], "big"), len(data), ENOUGH)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))}

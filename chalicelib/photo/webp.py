"""WebP: size and EXIF from the container (RFC 9649). Pillow's decoder allocates the whole image on opening."""

from collections.abc import Iterator
from dataclasses import dataclass

_MAX_CHUNKS = 10_000
"""A photo has fewer than 10 chunks, an animation one per frame. Each takes about 1 µs to read."""


@dataclass(frozen=True, slots=True)
class WebpHeader:
    """The EXIF and XMP of a WebP photo, if any, and its size in pixels: (0, 0) if its first chunk is invalid."""

    size: tuple[int, int]
    exif: bytes | None
    xmp: bytes | None


def read_header(data: bytes) -> WebpHeader:
    """Read the header of a file whose first bytes are those of a WebP file. Never raises."""
    metadata = {b"EXIF": b"", b"XMP ": b""}
    for kind, content in _chunks(data):
        if kind in metadata and not metadata[kind]:
            metadata[kind] = content
    return WebpHeader(_size(data), metadata[b"EXIF"] or None, metadata[b"XMP "] or None)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and content of each chunk. The content is empty except for EXIF and XMP."""
    position = 12
    for _ in range(_MAX_CHUNKS):
        if position + 8 > len(data):
            return
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8
        yield kind, data[position : position + length] if kind in (b"EXIF", b"XMP ") else b""
        position += length + length % 2


def _size(data: bytes) -> tuple[int, int]:
    if len(data) < 30:
        return 0, 0
    match data[12:16]:
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return 0, 0

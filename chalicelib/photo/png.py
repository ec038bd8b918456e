"""PNG: limit the number of chunks, and move the EXIF ahead of the pixels (PNG specification, third edition)."""

from chalicelib.errors import PhotoUnreadable

_MAX_CHUNKS = 20_000
"""Encoders write a chunk per 8 to 64 KB of pixels, 2,500 in 20 MB. Even an empty chunk costs Pillow a few µs."""
_SIGNATURE_BYTES = 8
_FRAME_BYTES = 12
"""Length, type and checksum of a chunk, without its content."""
_METADATA = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt"})
"""Chunks that may contain EXIF: the standard chunk, and the text chunks that older programs use."""


def with_metadata_first(data: bytes) -> bytes:
    """Return a PNG whose metadata precede the pixels, so that a decoder finds the EXIF without decoding them.

    Returns `data` itself if no metadata follow the pixels.
    Raises `PhotoUnreadable` if there are more than 20,000 chunks.
    """
    pixels_start, late_metadata = 0, []
    position = _SIGNATURE_BYTES
    for _ in range(_MAX_CHUNKS):
        kind = data[position + 4 : position + 8]
        end = position + _FRAME_BYTES + int.from_bytes(data[position : position + 4])
        if kind == b"IDAT" and not pixels_start:
            pixels_start = position
        elif pixels_start and kind in _METADATA:
            late_metadata.append(data[position:end])
        position = end
        if kind == b"IEND" or position >= len(data):
            break
    else:
        raise PhotoUnreadable(f"the PNG photo has more than {_MAX_CHUNKS} chunks; save it again as a new file")
    if not late_metadata:
        return data
    return b"".join([data[:pixels_start], *late_metadata, data[pixels_start:]])

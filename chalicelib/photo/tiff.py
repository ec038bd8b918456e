"""TIFF: limit the length of lists in the first directory (TIFF 6.0, section 2)."""

import struct

from chalicelib.errors import PhotoUnreadable

_MAX_VALUES = 200_000
"""A photo of 64 MP in strips of one row has fewer than 65,536; a palette of 16 bits has 196,608. Pillow makes a Python
number of each value, and decodes each strip in a step of its own."""
_TEXT_AND_BYTES = frozenset({1, 2, 7})
"""Types whose values Pillow keeps as bytes, such as colour profiles and maker notes."""


def check_directory(data: bytes) -> None:
    """Raise `PhotoUnreadable` if a list in the first directory of a TIFF is too long. Takes at most a few ms."""
    order = "<" if data.startswith(b"II") else ">"
    if len(data) < 10:
        return
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start + 2 > len(data):
        return
    (number,) = struct.unpack_from(order + "H", data, start)
    entries = data[start + 2 : start + 2 + 12 * number]
    for _, kind, count, _ in struct.iter_unpack(order + "HHI4s", entries[: len(entries) // 12 * 12]):
        if count > _MAX_VALUES and kind not in _TEXT_AND_BYTES:
            raise PhotoUnreadable(
                f"the TIFF photo has a list of {count} values, but at most {_MAX_VALUES} are read; "
                "save it again as a new file"
            )

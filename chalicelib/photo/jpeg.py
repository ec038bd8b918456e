"""What a JPEG costs, told from its segments before anything is decoded.

A progressive JPEG comes in scans, each of which goes over the whole picture. A scan that changes nothing has 100
bytes: half a megabyte of them keeps a processor busy with 64 MP for 20 s, and libjpeg takes any number.
"""

import re

from chalicelib.errors import PhotoUnreadable

_MOST_SCANS = 64
"""Scans of a JPEG: encoders write 1, or about 10 for a progressive one; each goes over the whole picture again."""
_MOST_SEGMENTS = 2000
"""Segments of a JPEG: a profile or a picture within takes one for each 64 KB; each costs Pillow a few µs."""

# What stands between a JPEG's segments: no stuffed zero, restart or fill byte, and none that libjpeg does not know.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


def check_segments(data: bytes) -> None:
    """Raises `PhotoUnreadable` for a JPEG that makes its few bytes a lot of work.

    Goes from segment to segment of the first picture as libjpeg does (ITU-T T.81, annex B); a film behind it is no
    part of it. An ordinary photo has but one scan, so that this ends at its header, after some 20 µs.
    """
    components, in_one_scan, scans, position = 0, False, 0, 2
    for _ in range(_MOST_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None or match[1][0] == _END_OF_IMAGE:
            return
        marker, position = match[1][0], match.end()
        if marker in _FRAMES:
            components, in_one_scan = int.from_bytes(data[position + 7 : position + 8]), marker not in _PROGRESSIVE
        if marker == _START_OF_SCAN:
            scans += 1
            if scans == 1 and in_one_scan and data[position + 2 : position + 3] >= bytes([components]):
                return
            if scans > _MOST_SCANS:
                raise PhotoUnreadable(f"the JPEG photo has more than {_MOST_SCANS} scans; save it anew")
        position += int.from_bytes(data[position : position + 2])
    raise PhotoUnreadable(f"the JPEG photo has more than {_MOST_SEGMENTS} segments; save it anew")

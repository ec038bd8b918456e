"""Reject JPEGs that are too costly to decode, by a look at their segments.

A progressive JPEG consists of scans, and each scan passes over the whole image. An empty scan takes 100 bytes, and
libjpeg accepts any number of them: half a megabyte of scans on a 64 MP image keeps a processor busy for 20 s.
"""

import re

from chalicelib.errors import PhotoUnreadable

_MAX_SCANS = 64
"""Encoders write 1 scan, or about 10 in a progressive JPEG."""
_MAX_SEGMENTS = 2000
"""An embedded profile or image takes one segment per 64 KB. Each segment costs Pillow a few µs."""

# Markers that begin a segment: not stuffed zeros, restart markers, fill bytes or markers unknown to libjpeg.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


def check_segments(data: bytes) -> None:
    """Raise `PhotoUnreadable` if a JPEG has too many scans or segments.

    Walks the segments of the first image as libjpeg does (ITU-T T.81, annex B) and ignores what follows it, such as a
    video. A baseline JPEG has only one scan, so the walk ends at its header, after about 20 µs.
    """
    components, in_one_scan, scans, position = 0, False, 0, 2
    for _ in range(_MAX_SEGMENTS):
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
            if scans > _MAX_SCANS:
                raise PhotoUnreadable(f"the JPEG photo has more than {_MAX_SCANS} scans; save it again as a new file")
        position += int.from_bytes(data[position : position + 2])
    raise PhotoUnreadable(f"the JPEG photo has more than {_MAX_SEGMENTS} segments; save it again as a new file")

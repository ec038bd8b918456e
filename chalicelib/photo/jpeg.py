"""JPEG: check the segments of files (ITU-T T.81, annex B), and reject files that are too costly to decode.

A progressive JPEG consists of scans, and each scan passes over the whole image. An empty scan takes 100 bytes, and
libjpeg accepts any number of them: half a megabyte of scans on a 64 MP image keeps a processor busy for 20 s. Before
the first scan, Pillow reads fill bytes one by one, and parses tables and resources in Python: 20 MB take up to 8 s.
"""

import re
from collections.abc import Iterator

from chalicelib.errors import PhotoUnreadable

_MAX_SCANS = 64
"""Encoders write 1 scan, or about 10 in a progressive JPEG."""
_MAX_SCANNED_MEGAPIXELS = 800
"""Scans times megapixels: 12 scans of 64 MP. Every 100 take about 0.3 s."""
_MAX_SEGMENTS = 2000
"""An embedded profile or image takes one segment per 64 KB. Each segment costs Pillow a few µs."""
_MAX_FILL = 65_536
"""Bytes between segments before the first scan. Encoders write none; Pillow takes 0.2 µs for each."""
_MAX_LENGTHS = {0xDB: 65_536, 0xC4: 65_536, 0xED: 1_000_000, 0xE1: 8_000_000}
"""Bytes of segments by marker, before the first scan, where Pillow reads them in loops or joins them: quantisation
and Huffman tables (encoders write under 1 KB), Photoshop's resources, EXIF and XMP."""

# Markers that begin a segment: not stuffed zeros, restart markers, fill bytes or markers unknown to libjpeg.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA


def check_segments(data: bytes) -> bool:
    """Return whether libjpeg keeps the whole image in memory, because the image has several scans.

    Walks the segments of the first image as libjpeg does and ignores any data after it, such as a video. A baseline
    JPEG has only one scan, so the walk ends at the header of that scan, after about 20 µs.
    Raises `PhotoUnreadable` if there are too many scans, segments, fill bytes or tables.
    """
    components, megapixels, in_one_scan, scans = 0, 0.0, False, 0
    head = _Head()
    for marker, position, skipped in _segments(data):
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[position + at : position + at + 2]) for at in (3, 5))
            megapixels = height * width / 1e6
            components, in_one_scan = int.from_bytes(data[position + 7 : position + 8]), marker not in _PROGRESSIVE
        if not scans:
            head.add(marker, int.from_bytes(data[position : position + 2]), skipped)
        if marker == _START_OF_SCAN:
            scans += 1
            if scans == 1 and in_one_scan and data[position + 2 : position + 3] >= bytes([components]):
                return False
            _check_scans(scans, megapixels)
    return True


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield for each segment its marker, the position after the marker, and the number of bytes skipped before it."""
    position = 2
    for _ in range(_MAX_SEGMENTS):
        match = _MARKER.search(data, position)
        if match is None:
            yield _END_OF_IMAGE, len(data), len(data) - position
            return
        yield match[1][0], match.end(), match.start() - position
        if match[1][0] == _END_OF_IMAGE:
            return
        position = match.end() + int.from_bytes(data[match.end() : match.end() + 2])
    raise _too_costly(f"{_MAX_SEGMENTS} segments")


class _Head:
    """Counters of the bytes that Pillow reads before the first scan."""

    def __init__(self) -> None:
        self._fill = 0
        self._lengths = dict.fromkeys(_MAX_LENGTHS, 0)

    def add(self, marker: int, length: int, skipped: int) -> None:
        """Count a segment, and the bytes skipped before it. Raises `PhotoUnreadable` if there are too many."""
        self._fill += skipped
        if self._fill > _MAX_FILL:
            raise _too_costly(f"{_MAX_FILL} fill bytes")
        if marker in self._lengths:
            self._lengths[marker] += length
            if self._lengths[marker] > _MAX_LENGTHS[marker]:
                raise _too_costly(f"{_MAX_LENGTHS[marker]} bytes in segments of type {marker:#x}")


def _check_scans(scans: int, megapixels: float) -> None:
    if scans > _MAX_SCANS:
        raise _too_costly(f"{_MAX_SCANS} scans")
    if scans * megapixels > _MAX_SCANNED_MEGAPIXELS:
        raise _too_costly(f"{_MAX_SCANNED_MEGAPIXELS / megapixels:.0f} scans of {megapixels:.0f} MP")


def _too_costly(most: str) -> PhotoUnreadable:
    return PhotoUnreadable(f"the JPEG photo has more than {most}; save it again as a new file")

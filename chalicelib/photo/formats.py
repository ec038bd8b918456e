"""The formats of photos that are accepted, their decoders in Pillow, and checks before a decoder sees a photo's bytes.

The table is formats.json, which the page's build and the packager read too. A new format is a row there.
docs/reference/package.md says what a decoder adds to the package. Files that are small but costly to decode are
refused:

JPEG (ITU-T T.81, annex B): a progressive JPEG consists of scans, and each scan passes over the whole image. An empty
scan takes 100 bytes, and libjpeg accepts any number of them: half a megabyte of scans on a 64 MP image keeps a
processor busy for 20 s. Before the first scan, Pillow reads fill bytes one by one, and parses tables and resources in
Python: 20 MB take up to 8 s.
PNG (third edition): the number of chunks is limited, and EXIF is moved ahead of the pixels.
TIFF (6.0, section 2): the length of lists in the first directory is limited.
WebP (RFC 9649): size and EXIF come from the container, because Pillow's decoder allocates the whole image on opening.
So they do from a JPEG that is not decoded, because opening it takes Pillow a few times as long.
"""

import importlib
import io
import json
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple, cast

from PIL import Image

from chalicelib.errors import PhotoUnreadable, UnsupportedMediaType

type Decoder = Callable[[io.BytesIO], Image.Image]

DECODER_ERRORS = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, AttributeError, ArithmeticError),
    *(RuntimeError, struct.error, Image.DecompressionBombError),
)
"""What Pillow and its plugins raise for a damaged photo."""
ENOUGH = 256
"""Number of bytes from which the format can be detected."""


class Format(NamedTuple):
    """A format of photos.

    `media_types`: its names in `Content-Type`, the first one preferred. `extensions`: file name extensions.
    `signature`: the first bytes, as a regular expression that Python and JavaScript read alike, but for `[^]`, any
    byte. `brands`: in place of a signature, the brands of an ISO base media file. `decoder`: the Pillow plugin, as
    module and class. `decodes_upright`: whether the plugin applies the EXIF orientation. `bytes_per_pixel`: largest
    memory that decoding takes, if memory.py does not estimate it from the header; by default that of WebP, which takes
    most: two canvases and a frame, and Pillow's copies. `in_browsers`: whether browsers count it among images.
    """

    name: str
    media_types: tuple[str, ...]
    extensions: tuple[str, ...]
    decoder: str
    signature: str = ""
    brands: tuple[str, ...] = ()
    decodes_upright: bool = False
    bytes_per_pixel: float = 18
    in_browsers: bool = True

    def matches(self, data: bytes) -> bool:
        """Return whether the first bytes of a file are those of this format. `data`: the file, or its beginning."""
        if self.brands:
            return data[4:8] == b"ftyp" and not _brands_of(data).isdisjoint(each.encode() for each in self.brands)
        return re.match(self.signature.replace("[^]", r"[\x00-\xff]").encode("latin-1"), data) is not None


def read_formats(text: str) -> tuple[Format, ...]:
    """Return the formats in a JSON text, such as that of formats.json."""
    return tuple(Format(**{name: _frozen(value) for name, value in row.items()}) for row in json.loads(text))


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


FORMATS = read_formats(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
MEDIA_TYPES = tuple(media for each in FORMATS for media in each.media_types)
MEDIA_TYPE_OF = {
    f".{extension}": kind if (kind := f"image/{extension}") in each.media_types else each.media_types[0]
    for each in FORMATS
    for extension in each.extensions
}
"""The media type of a photo, by the suffix of its file's name."""


def named(formats: tuple[Format, ...]) -> str:
    """Return the names of formats for people: "JPEG, PNG or TIFF"."""
    *others, last = (each.name for each in formats)
    return f"{', '.join(others)} or {last}"


def detect_format(data: bytes) -> Format:
    """Return the format of a photo, from its first bytes, never from the client's word.

    `data`: at least the first `ENOUGH` bytes, if there are as many. Raises `UnsupportedMediaType`.

    >>> detect_format(b"RIFF....WEBP").name
    'WebP'
    """
    if found := next((each for each in FORMATS if each.matches(data)), None):
        return found
    raise UnsupportedMediaType(f"the file is not a photo in a supported format; send {named(FORMATS)}")


def _brands_of(data: bytes) -> set[bytes]:
    """Return the major and compatible brands in the first box of an ISO base media file."""
    end = min(int.from_bytes(data[:4], "big"), len(data), ENOUGH)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))}


def describe(error: BaseException) -> str:
    """Return a decoder's message for clients: one short line, without internals of the process."""
    original = error.__cause__ or error  # Pillow wraps some errors
    if isinstance(original, TypeError | AttributeError | LookupError | struct.error):  # about its code, not the photo
        return "unknown data"
    text = str(error).splitlines()[0] if str(error) else ""
    return "unknown data" if not text or "<" in text or "/" in text else text[:80]


def load_decoder(form: Format) -> Decoder:
    """Import and return the Pillow plugin of a format. Raises `UnsupportedMediaType` if this package lacks it."""
    module, _, name = form.decoder.rpartition(".")
    try:
        return cast("Decoder", getattr(importlib.import_module(module), name))
    except ModuleNotFoundError:  # such as a package built with HEIC=no (docs/reference/package.md)
        others = named(tuple(each for each in FORMATS if each.decoder != form.decoder))
        raise UnsupportedMediaType(f"this server does not read {form.name}; send {others}") from None


class TimedFile(io.BytesIO):
    """The bytes of a photo, readable for `seconds` from the last start of the clock.

    A decoder cannot be interrupted. The decoders of JPEG and PNG read 64 KB at a time, so their first read after the
    time limit fails. Other decoders read the whole file at once, so only the limit on pixels bounds their time.
    """

    def __init__(self, data: bytes, seconds: float) -> None:
        super().__init__(data)  # shares the memory of `data`
        self.size, self._seconds = len(data), seconds
        self.restart_clock()

    def restart_clock(self) -> None:
        """Allow reading for `seconds` from now."""
        self._ends = monotonic() + self._seconds

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes. Raises `PhotoUnreadable` after the time limit."""
        if monotonic() > self._ends:
            raise PhotoUnreadable(
                f"the photo takes more than {self._seconds:g} s to decode; save it again as a baseline JPEG"
            )
        return super().read(size)


_MAX_SCANS = 64
"""Maximum number of scans. Encoders write 1, or about 10 in a progressive JPEG."""
_MAX_SCANNED_MEGAPIXELS = 800
"""Maximum of scans times megapixels, such as 12 scans of 64 MP. Every 100 take about 0.3 s."""
_MAX_SEGMENTS = 2000
"""Maximum number of segments. An embedded profile or image takes one per 64 KB; each costs Pillow a few µs."""
_MAX_FILL = 65_536
"""Most bytes between segments before the first scan. Encoders write none; Pillow takes 0.2 µs for each."""
_MAX_LENGTHS = {0xDB: 65_536, 0xC4: 65_536, 0xED: 1_000_000, 0xE1: 8_000_000}
"""Most bytes of segments by marker, before the first scan: Pillow reads them in loops or joins them. Quantisation
and Huffman tables (encoders write under 1 KB), Photoshop's resources, EXIF and XMP."""

# Markers that begin a segment: not stuffed zeros, restart markers, fill bytes or markers unknown to libjpeg.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_END_OF_IMAGE, _START_OF_SCAN, _APP1 = 0xD9, 0xDA, 0xE1
_EXIF = b"Exif\0\0"

_MAX_PNG_CHUNKS = 20_000
"""Most chunks of a PNG. Encoders write one per 8 to 64 KB of pixels; an empty one, too, costs Pillow a few µs."""
_SIGNATURE_BYTES = 8
_FRAME_BYTES = 12
"""Bytes of a chunk's length, type and checksum: all but its content."""
_METADATA = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt"})
"""Chunks that may contain EXIF: the standard chunk, and the text chunks that older programs use."""

_MAX_VALUES = 200_000
"""Most values of a list. One strip a row makes fewer than 65,536; a palette of 16 bits, 196,608. Pillow makes a Python
number of each value, and decodes each strip in a step of its own."""
_TEXT_AND_BYTES = frozenset({1, 2, 7})
"""TIFF's types of values that Pillow keeps as bytes, such as colour profiles and maker notes."""

_MAX_WEBP_CHUNKS = 10_000
"""Most chunks that are read, in about 1 µs each. A photo has fewer than 10, an animation one per frame."""


def check_segments(data: bytes) -> bool:
    """Return whether libjpeg keeps the whole image in memory, because the image has several scans.

    Walks the segments of the first image as libjpeg does and ignores any data after it, such as a video. A baseline
    JPEG has only one scan, so the walk ends at the header of that scan, after about 20 µs.
    Raises `PhotoUnreadable` if there are too many scans, segments, fill bytes or tables.
    """
    components, megapixels, in_one_scan, scans, fill = 0, 0.0, False, 0, 0
    lengths = dict.fromkeys(_MAX_LENGTHS, 0)
    for marker, position, skipped in _segments(data):
        if marker in _FRAMES:
            width, height = _frame_size(data, position)
            megapixels = height * width / 1e6
            components, in_one_scan = int.from_bytes(data[position + 7 : position + 8]), marker not in _PROGRESSIVE
        if not scans:  # what Pillow reads before it
            fill += skipped
            if fill > _MAX_FILL:
                raise _too_costly(f"{_MAX_FILL} fill bytes")
            if marker in lengths:
                lengths[marker] += int.from_bytes(data[position : position + 2])
                if lengths[marker] > _MAX_LENGTHS[marker]:
                    raise _too_costly(f"{_MAX_LENGTHS[marker]} bytes in segments of type {marker:#x}")
        if marker == _START_OF_SCAN:
            scans += 1
            if scans == 1 and in_one_scan and data[position + 2 : position + 3] >= bytes([components]):
                return False
            _check_scans(scans, megapixels)
    return True


def _check_scans(scans: int, megapixels: float) -> None:
    if scans > _MAX_SCANS:
        raise _too_costly(f"{_MAX_SCANS} scans")
    if scans * megapixels > _MAX_SCANNED_MEGAPIXELS:
        raise _too_costly(f"{_MAX_SCANNED_MEGAPIXELS / megapixels:.0f} scans of {megapixels:.0f} MP")


def _frame_size(data: bytes, position: int) -> tuple[int, int]:
    """Return width and height in the header of a frame. `position`: behind its marker."""
    return int.from_bytes(data[position + 5 : position + 7]), int.from_bytes(data[position + 3 : position + 5])


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


def _too_costly(most: str) -> PhotoUnreadable:
    return PhotoUnreadable(f"the JPEG photo has more than {most}; save it again as a new file")


def with_metadata_first(data: bytes) -> bytes:
    """Return a PNG whose metadata precede the pixels, so that a decoder finds the EXIF without decoding them.

    Returns `data` itself if no metadata follow the pixels. Raises `PhotoUnreadable` if there are too many chunks.
    """
    pixels_start, late_metadata = 0, []
    position = _SIGNATURE_BYTES
    for _ in range(_MAX_PNG_CHUNKS):
        kind = data[position + 4 : position + 8]
        end = position + _FRAME_BYTES + int.from_bytes(data[position : position + 4])
        if kind == b"IDAT" and not pixels_start:
            pixels_start = position
        elif pixels_start and kind in _METADATA:
            late_metadata.append(data[position:end])
        position = end
        if kind == b"IEND" or position >= len(data):
            return b"".join([data[:pixels_start], *late_metadata, data[pixels_start:]]) if late_metadata else data
    raise PhotoUnreadable(f"the PNG photo has more than {_MAX_PNG_CHUNKS} chunks; save it again as a new file")


def check_directory(data: bytes) -> None:
    """Raise `PhotoUnreadable` if a list in the first directory of a TIFF is too long. Takes at most a few ms."""
    order = "<" if data.startswith(b"II") else ">"
    (start,) = struct.unpack(order + "I", data[4:8].ljust(4, b"\0"))
    (number,) = struct.unpack(order + "H", data[start : start + 2].ljust(2, b"\0"))
    entries = data[start + 2 : start + 2 + 12 * number]
    for _, kind, count, _ in struct.iter_unpack(order + "HHI4s", entries[: len(entries) // 12 * 12]):
        if count > _MAX_VALUES and kind not in _TEXT_AND_BYTES:
            found = f"the TIFF photo has a list of {count} values, but at most {_MAX_VALUES} are read"
            raise PhotoUnreadable(f"{found}; save it again as a new file")


class Header(NamedTuple):
    """The EXIF and XMP of a photo, if any, and its size in pixels: (0, 0) if its header is invalid."""

    size: tuple[int, int]
    exif: bytes | None
    xmp: bytes | None = None

    @property
    def image(self) -> Image.Image:
        """Return an image without pixels, from which `read_exif` reads."""
        image = Image.Image()
        image.info = {name: value for name, value in (("exif", self.exif), ("xmp", self.xmp)) if value}
        return image


def read_jpeg_header(data: bytes) -> Header:
    """Read the header of a JPEG, or of its first bytes alone. Of other data, the size is (0, 0). Never raises."""
    exif = b""
    with suppress(PhotoUnreadable):
        for marker, position, _ in _segments(data) if data.startswith(b"\xff\xd8") else ():
            if marker in _FRAMES:
                return Header(_frame_size(data, position), exif or None)
            segment = data[position + 2 : position + int.from_bytes(data[position : position + 2])]
            if marker == _APP1 and segment.startswith(_EXIF):
                exif += segment.removeprefix(_EXIF)
    return Header((0, 0), None)


def read_webp_header(data: bytes) -> Header:
    """Read the header of a file whose first bytes are those of a WebP file. Never raises."""
    metadata, position = {b"EXIF": b"", b"XMP ": b""}, 12
    for _ in range(_MAX_WEBP_CHUNKS):
        if position + 8 > len(data):
            break
        kind, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        if kind in metadata and not metadata[kind]:
            metadata[kind] = data[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return Header(_webp_size(data), metadata[b"EXIF"] or None, metadata[b"XMP "] or None)


def _webp_size(data: bytes) -> tuple[int, int]:
    match data[12:16] if len(data) >= 30 else b"":
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return 0, 0

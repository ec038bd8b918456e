"""The formats of photos that are accepted, and their decoders in Pillow.

The table is formats.json, which the page's build and the packager read too. A new format is a row there.
docs/reference/package.md says what a decoder adds to the package.
"""

import importlib
import io
import json
import re
import struct
from collections.abc import Callable
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

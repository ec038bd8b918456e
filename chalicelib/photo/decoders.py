"""Pillow's decoders: load the one of a format, give it a file with a time limit, and describe its errors."""

import importlib
import io
import struct
from collections.abc import Callable
from time import monotonic
from typing import cast

from PIL import Image, UnidentifiedImageError

from chalicelib.errors import PhotoUnreadable, UnsupportedMediaType
from chalicelib.photo.formats import FORMATS, Format, named

type Decoder = Callable[[io.BytesIO], Image.Image]

DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    AttributeError,
    ArithmeticError,
    RuntimeError,
    struct.error,
    UnidentifiedImageError,
    Image.DecompressionBombError,
)


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
    time limit fails. The decoders of WebP, HEIC and TIFF read the whole file at once, so only the limit on pixels
    bounds their time.
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

"""The errors that Pillow and pillow-heif raise for damaged photos."""

import struct

from PIL import Image, UnidentifiedImageError

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

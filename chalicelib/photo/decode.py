"""A photo: from bytes that anyone may have sent to upright RGB pixels.

What costs little is checked first: the format from the first bytes (never from the client's word), then the
size in the header; pixels are decoded only when asked for, and a JPEG only as large as needed.
"""

import io
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import IFD, Base

from chalicelib.errors import PhotoTooLarge, PhotoUnreadable, UnsupportedMediaType
from chalicelib.photo.jpeg import check_segments

# What EXIF of dubious make is worth a warning to Pillow; to us it is an ordinary photo without that tag.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

READABLE = "JPEG, PNG, WebP, HEIC or TIFF"

# What Pillow and pillow-heif raise on bytes that are not what they begin like.
_BROKEN = (
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

_TILE_WIDTH, _TILE_LENGTH = 322, 323
"""Tags of TIFF 6.0, section 15."""

_BAND = 256
"""Rows that are computed at a time where numbers are wider than a byte."""

_PNG_EXIF = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
"""What a PNG with EXIF has somewhere: the chunk, or what older programs write it into as text."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}

# EXIF orientation → what makes the stored picture upright (CIPA DC-008, tag 0x0112).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest photo that is read: `max_bytes` as sent, `max_megapixels` once decoded."""

    max_bytes: int = 20_000_000
    max_megapixels: float = 64.0


class Photo:
    """An opened photo: format, size and EXIF are known, pixels are still to be decoded."""

    def __init__(self, image: Image.Image, size_in_bytes: int, *, may_have_exif: bool = True) -> None:
        self._image = image
        self.format = str(image.format)
        self.width, self.height = image.size
        self.size_in_bytes = size_in_bytes
        self.orientation, self.gps = _read_exif(image) if may_have_exif else (1, {})

    @property
    def megapixels(self) -> float:
        """Pixels in the file, in millions."""
        return self.width * self.height / 1e6

    def pixels(self, size: int) -> NDArray[np.uint8]:
        """The upright middle of the photo as the model sees it.

        Parameters: size, side of the square in pixels.
        Returns: shape (size, size, 3), uint8, RGB: a centre crop of size / (size + 32) of the short side (260/292
        for EfficientNet-Lite2, 224/256 for many others), shrunk bicubically.
        Raises `PhotoUnreadable` if the bytes cannot be decoded. To be called once: decoding uses the image up.
        """
        try:
            square = _middle(self._image, size)
        except _BROKEN as error:
            raise PhotoUnreadable(
                f"the {self.format} photo is damaged or cut short ({_first_line(error)}); send the original file again"
            ) from error
        upright = _UPRIGHT.get(self.orientation)
        return np.asarray(square if upright is None else square.transpose(upright))


def open_photo(data: bytes, limits: Limits) -> Photo:
    """Open a photo and check it, without decoding it.

    Raises `PhotoTooLarge` (bytes or pixels), `UnsupportedMediaType` (no photo, or one in another format) and
    `PhotoUnreadable` (begins like a photo, but its header is broken).
    """
    if not data:
        raise PhotoUnreadable("the body is empty; send the photo's bytes as the body, or as form field 'photo'")
    if len(data) > limits.max_bytes:
        raise PhotoTooLarge(
            f"photo is {len(data) / 1e6:.1f} MB, at most {limits.max_bytes / 1e6:.1f} MB are read; send a smaller one"
        )
    name, opener = _opener_of(data)
    if name == "WebP":  # its decoder allocates the whole canvas when the file is opened
        _check_size(_webp_size(data), limits)
    if name == "JPEG":
        check_segments(data)
    try:
        image = opener(io.BytesIO(data))
    except _BROKEN as error:
        raise PhotoUnreadable(
            f"the {name} photo has a broken header ({_first_line(error)}); send the original file again"
        ) from error
    _check_size(image.size, limits)
    if name == "TIFF":  # a tile is decoded whole, however little of it is shown
        _check_size((_whole(image, _TILE_WIDTH), _whole(image, _TILE_LENGTH)), limits)
    # In a PNG it can stand behind the pixels, which Pillow decodes to look for it.
    may_have_exif = name != "PNG" or any(mark in data for mark in _PNG_EXIF)
    return Photo(image, len(data), may_have_exif=may_have_exif)


def prepare() -> None:
    """Import what nearly every photo needs; the other formats' plugins are imported when first needed."""
    _opener_of(b"\xff\xd8\xff")


def _opener_of(data: bytes) -> tuple[str, Callable[[io.BytesIO], Image.Image]]:
    """Name and Pillow plugin of the format that the bytes begin with."""
    if data.startswith(b"\xff\xd8\xff"):
        from PIL.JpegImagePlugin import JpegImageFile  # first picture of a multi-picture file too

        return "JPEG", JpegImageFile
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        from PIL.PngImagePlugin import PngImageFile

        return "PNG", PngImageFile
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        from PIL.WebPImagePlugin import WebPImageFile

        return "WebP", WebPImageFile
    if data.startswith((b"II*\x00", b"MM\x00*")):
        from PIL.TiffImagePlugin import TiffImageFile

        return "TIFF", TiffImageFile
    if data[4:8] == b"ftyp" and _HEIF_BRANDS & _brands_of(data):
        from pillow_heif import HeifImageFile

        return "HEIC", HeifImageFile
    raise UnsupportedMediaType(f"the body is no photo in a format that is read; send {READABLE}")


def _brands_of(data: bytes) -> set[bytes]:
    """Major and compatible brands in the first box of an ISO base media file."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))}


def _webp_size(data: bytes) -> tuple[int, int]:
    """Canvas width and height from the first chunk of a WebP file (RFC 9649); (0, 0) if there is none."""
    chunk = data[12:16]
    if len(data) < 30:
        return 0, 0
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return 0, 0


def _whole(image: Image.Image, tag: int) -> int:
    """A tag of a TIFF that is a whole number; 0 if it is not there or something else."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return value if isinstance(value, int) else 0


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > limits.max_megapixels:
        raise PhotoTooLarge(
            f"photo is {megapixels:.0f} MP, at most {limits.max_megapixels:g} MP are read; send a smaller one"
        )


def _read_exif(image: Image.Image) -> tuple[int, Mapping[int, Any]]:
    """Orientation (1–8) and the GPS tags by number; upright and none if EXIF is absent or broken."""
    try:
        exif = image.getexif()
        gps = dict(exif.get_ifd(IFD.GPSInfo))
        orientation = exif.get(Base.Orientation)
    except _BROKEN:
        return 1, {}
    turned_by_decoder = image.format in ("TIFF", "HEIF")
    return (orientation if orientation in _UPRIGHT and not turned_by_decoder else 1), gps


def _middle(image: Image.Image, size: int) -> Image.Image:
    """Centre crop and shrink to a square of RGB."""
    # A JPEG decodes at 1/2, 1/4 or 1/8 for almost nothing; twice the target keeps the pixels the same.
    image.draft("RGB", (2 * (size + 32), 2 * (size + 32)))
    image.load()
    width, height = image.size
    side = min(width, height) * size / (size + 32)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    image = _plain(image).resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=3.0)
    return _opaque(image)


def _plain(image: Image.Image) -> Image.Image:
    """The image in a mode that can be shrunk: 8 bits a channel, no palette."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_stretched(np.asarray(image)))
    if "transparency" in image.info or image.mode in ("PA", "LA", "La", "RGBa"):
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")


def _stretched(numbers: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Numbers without a scale, from black for the least to white for the most; what is no number counts as 0.

    Band by band, since all of a large photo in float64 would not fit a function's memory.
    """

    def bands() -> Iterator[tuple[slice, NDArray[np.float64]]]:
        for start in range(0, len(numbers), _BAND):
            rows = slice(start, start + _BAND)
            yield rows, np.nan_to_num(numbers[rows].astype(np.float64), posinf=0.0, neginf=0.0)

    extremes = [(float(band.min()), float(band.max())) for _, band in bands()]
    low, high = min(least for least, _ in extremes), max(most for _, most in extremes)
    scale = 255 / (high - low) if high > low else 0.0
    shades = np.empty(numbers.shape, np.uint8)
    for rows, band in bands():
        shades[rows] = (band - low) * scale
    return shades


def _opaque(image: Image.Image) -> Image.Image:
    """RGB, on white where the photo is transparent."""
    if image.mode == "RGBA":
        paper = Image.new("RGB", image.size, "white")
        paper.paste(image, mask=image.getchannel("A"))
        return paper
    return image.convert("RGB")


def _first_line(error: BaseException) -> str:
    """What a decoder says, short enough for a sentence and without anything of the process in it."""
    first = error.__cause__ or error  # Pillow wraps some
    if isinstance(first, TypeError | AttributeError | LookupError | struct.error):  # about its code, not the photo
        return "unknown data"
    text = str(error).splitlines()[0] if str(error) else ""
    return "unknown data" if not text or "<" in text or "/" in text else text[:80]

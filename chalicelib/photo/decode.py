"""Decode untrusted bytes to upright RGB pixels.

Cheap checks come first: the format by the first bytes (never by the Content-Type), then the size in the header.
`Photo.pixels` decodes the rest, and a JPEG only at the resolution that the model needs.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.errors import PhotoTooLarge, PhotoUnreadable, UnsupportedMediaType
from chalicelib.photo.decoder_errors import DECODER_ERRORS, describe
from chalicelib.photo.exif import TRANSPOSE_TO_UPRIGHT, read_exif
from chalicelib.photo.jpeg import check_segments

# Pillow warns about invalid EXIF; such a photo counts as one without that tag.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")

FORMATS = "JPEG, PNG, WebP, HEIC or TIFF"

_TILE_WIDTH, _TILE_LENGTH = 322, 323
"""TIFF tags (TIFF 6.0, section 15)."""

_BAND = 256
"""Rows that are scaled at a time when a channel is wider than a byte."""

_PNG_EXIF_MARKERS = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
"""Markers of EXIF in a PNG: the standard chunk, and two text keywords that older programs use."""

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest photo accepted: `max_bytes` of the file, `max_megapixels` of the decoded image."""

    max_bytes: int = 20_000_000
    max_megapixels: float = 64.0


class Photo:
    """An opened photo: format, size and EXIF are read, but pixels are not decoded yet."""

    def __init__(self, image: Image.Image, size_in_bytes: int, *, may_have_exif: bool = True) -> None:
        self._image = image
        self.format = str(image.format)
        self.width, self.height = image.size
        self.size_in_bytes = size_in_bytes
        self.orientation, self.gps = read_exif(image) if may_have_exif else (1, {})

    @property
    def megapixels(self) -> float:
        """Return the number of pixels in the file, in millions."""
        return self.width * self.height / 1e6

    def pixels(self, size: int) -> NDArray[np.uint8]:
        """Decode the upright centre of the photo, as input for the model.

        Parameters: size, side of the square in pixels.
        Returns: shape (size, size, 3), uint8, RGB: a centre crop of size / (size + 32) of the short side (260/292
        for EfficientNet-Lite2, 224/256 for many others), resized bicubically.
        Raises `PhotoUnreadable` if the bytes cannot be decoded. Call it only once: decoding consumes the image.
        """
        try:
            square = _crop_and_resize(self._image, size)
        except DECODER_ERRORS as error:
            raise PhotoUnreadable(
                f"the {self.format} photo is damaged or cut short ({describe(error)}); send the original file again"
            ) from error
        transpose = TRANSPOSE_TO_UPRIGHT.get(self.orientation)
        return np.asarray(square if transpose is None else square.transpose(transpose))


def open_photo(data: bytes, limits: Limits) -> Photo:
    """Open and check a photo without decoding it.

    Raises `PhotoTooLarge` (too many bytes or pixels), `UnsupportedMediaType` (not a photo in a supported format) and
    `PhotoUnreadable` (empty, or an invalid header).
    """
    if not data:
        raise PhotoUnreadable("the photo is empty; send its bytes as the body or in form field 'photo'")
    if len(data) > limits.max_bytes:
        raise PhotoTooLarge(
            f"photo is {len(data) / 1e6:.1f} MB, at most {limits.max_bytes / 1e6:.1f} MB are read; send a smaller one"
        )
    name, open_image = _detect_format(data)
    if name == "WebP":  # its decoder allocates the whole canvas on opening
        _check_size(_webp_size(data), limits)
    if name == "JPEG":
        check_segments(data)
    try:
        image = open_image(io.BytesIO(data))
    except DECODER_ERRORS as error:
        raise PhotoUnreadable(
            f"the {name} photo has an invalid header ({describe(error)}); send the original file again"
        ) from error
    _check_size(image.size, limits)
    if name == "TIFF":  # the decoder decodes whole tiles, even if the image is smaller
        _check_size((_int_tag(image, _TILE_WIDTH), _int_tag(image, _TILE_LENGTH)), limits)
    # In a PNG, EXIF may follow the pixels, and Pillow would decode them to search for it.
    may_have_exif = name != "PNG" or any(mark in data for mark in _PNG_EXIF_MARKERS)
    return Photo(image, len(data), may_have_exif=may_have_exif)


def prepare() -> None:
    """Import the JPEG plugin, which most photos need. The first photo of another format imports its own plugin."""
    _detect_format(b"\xff\xd8\xff")


def _detect_format(data: bytes) -> tuple[str, Callable[[io.BytesIO], Image.Image]]:
    """Return the name and the Pillow plugin of a format, by its first bytes."""
    if data.startswith(b"\xff\xd8\xff"):
        from PIL.JpegImagePlugin import JpegImageFile  # also reads the first image of a multi-picture file

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
    raise UnsupportedMediaType(f"the file is not a photo in a supported format; send {FORMATS}")


def _brands_of(data: bytes) -> set[bytes]:
    """Return the major and compatible brands in the first box of an ISO base media file."""
    end = min(int.from_bytes(data[:4], "big"), len(data), 256)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end - 3, 4))}


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return canvas width and height from the first chunk of a WebP file (RFC 9649), or (0, 0)."""
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


def _int_tag(image: Image.Image, tag: int) -> int:
    """Return the value of a TIFF tag, or 0 if it is missing or not an int."""
    value = getattr(image, "tag_v2", {}).get(tag)
    return value if isinstance(value, int) else 0


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > limits.max_megapixels:
        raise PhotoTooLarge(
            f"photo is {megapixels:.0f} MP, at most {limits.max_megapixels:g} MP are read; send a smaller one"
        )


def _crop_and_resize(image: Image.Image, size: int) -> Image.Image:
    """Crop the centre and resize it to an RGB square."""
    # A JPEG decodes cheaply at 1/2, 1/4 or 1/8 of its size. Twice the target size does not change the result.
    image.draft("RGB", (2 * (size + 32), 2 * (size + 32)))
    image.load()
    width, height = image.size
    side = min(width, height) * size / (size + 32)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    image = _to_8_bit(image).resize((size, size), Image.Resampling.BICUBIC, box, reducing_gap=3.0)
    return _to_rgb(image)


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Convert the image to a mode that can be resized: 8 bits per channel, no palette."""
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(_scale_to_8_bit(np.asarray(image)))
    if "transparency" in image.info or image.mode in ("PA", "LA", "La", "RGBa"):
        return image.convert("RGBA")
    return image if image.mode in ("RGB", "RGBA", "L") else image.convert("RGB")


def _scale_to_8_bit(numbers: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale values so that the minimum is black and the maximum is white; NaN and infinity count as 0.

    Works in bands of rows, because a large photo in float64 would not fit into the memory of a Lambda function.
    """

    def bands() -> Iterator[tuple[slice, NDArray[np.float64]]]:
        for start in range(0, len(numbers), _BAND):
            rows = slice(start, start + _BAND)
            yield rows, np.nan_to_num(numbers[rows].astype(np.float64), posinf=0.0, neginf=0.0)

    extremes = [(float(band.min()), float(band.max())) for _, band in bands()]
    low, high = min(lows for lows, _ in extremes), max(highs for _, highs in extremes)
    scale = 255 / (high - low) if high > low else 0.0
    scaled = np.empty(numbers.shape, np.uint8)
    for rows, band in bands():
        scaled[rows] = (band - low) * scale
    return scaled


def _to_rgb(image: Image.Image) -> Image.Image:
    """Convert to RGB, with white in place of transparency."""
    if image.mode == "RGBA":
        background = Image.new("RGB", image.size, "white")
        background.paste(image, mask=image.getchannel("A"))
        return background
    return image.convert("RGB")

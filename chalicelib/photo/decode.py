"""Open untrusted bytes as a photo, and decode it to upright RGB pixels.

`open_photo` makes cheap checks: it detects the format from the first bytes (never from the Content-Type), and limits
the size in the header and the number of segments, chunks or list values. `Photo.decode` then decodes the image. A JPEG
is decoded only at the resolution that the model needs.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import PhotoTooLarge, PhotoUnreadable
from chalicelib.photo import memory
from chalicelib.photo.exif import read_exif
from chalicelib.photo.formats import DECODER_ERRORS, FORMATS, Format, TimedFile, describe, detect_format, load_decoder
from chalicelib.photo.headers import check_directory, check_segments, read_webp_header, with_metadata_first
from chalicelib.photo.pixels import Picture, decode, draft_side

# Pillow warns about invalid EXIF; such a photo counts as one without that tag.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")


class Photo:
    """An opened photo: format, size and EXIF are read, but pixels are not decoded yet, and not at all after `close`.

    `form`: its format. `image`: source of the EXIF. `size`: width and height in pixels. `file`: bytes of the photo.
    `decode_bytes`: computes what the method of this name returns. `open_image`: returns the image to decode.
    """

    def __init__(
        self,
        form: Format,
        image: Image.Image,
        size: tuple[int, int],
        file: TimedFile,
        decode_bytes: Callable[[int], int],
        open_image: Callable[[], Image.Image],
    ) -> None:
        self.format = form.name
        self.width, self.height = size
        self.size_in_bytes = file.size
        self.orientation, self.gps, self.taken, self.offset = read_exif(image, decodes_upright=form.decodes_upright)
        self._file = file
        self._decode_bytes: Callable[[int], int] | None = decode_bytes
        self._open_image: Callable[[], Image.Image] | None = open_image

    def decode_bytes(self, size: int) -> int:
        """Return the maximum number of bytes of memory that `decode(size)` takes, not counting the file."""
        if self._decode_bytes is None:
            raise ValueError("the photo is closed")
        return self._decode_bytes(size)

    def decode(self, size: int) -> Picture:
        """Decode the photo once, for all models, and close it.

        `size`: side in pixels of the largest square that a model sees. A JPEG is decoded at a resolution that is enough
        for it. Raises `PhotoUnreadable` if the bytes cannot be decoded, or not within the time limit.
        """
        if self._open_image is None:
            raise ValueError("the photo is closed")
        try:
            self._file.restart_clock()
            return decode(self._open_image(), size, self.orientation)
        except DECODER_ERRORS as error:
            raise PhotoUnreadable(
                f"the {self.format} photo is damaged or cut short ({describe(error)}); send the original file again"
            ) from error
        finally:
            self.close()

    def pixels(self, size: int) -> NDArray[np.uint8]:
        """Decode the photo and close it. Return the square of `Picture.square`. Raises the errors of `decode`."""
        return self.decode(size).square(size)

    def close(self) -> None:
        """Release the file and its pixels."""
        self._file.close()
        self._open_image = self._decode_bytes = None  # both refer to the image


def open_photo(data: bytes, limits: PhotoLimits) -> Photo:
    """Open and check a photo without decoding it.

    Raises `PhotoTooLarge` (too many bytes or pixels), `UnsupportedMediaType` (not a photo in a supported format) and
    `PhotoUnreadable` (empty, an invalid header, or too costly to decode).
    """
    if not data:
        raise PhotoUnreadable("the photo is empty; send its bytes as the body or in form field 'photo'")
    if len(data) > limits.max_bytes:
        raise PhotoTooLarge(
            f"photo is {len(data) / 1e6:.1f} MB, at most {limits.max_bytes / 1e6:.1f} MB are read; send a smaller one"
        )
    form = detect_format(data)
    decoder = load_decoder(form)
    buffered = form.name == "JPEG" and check_segments(data)
    if form.name == "PNG":
        data = with_metadata_first(data)
    elif form.name == "TIFF":
        check_directory(data)
    file = TimedFile(data, limits.max_seconds)
    if form.name == "WebP":  # its decoder at once allocates the whole image
        header = read_webp_header(data)
        if 0 in header.size:
            raise _invalid_header(form.name, "no size")
        _check_size(header.size, limits)
        needed = memory.flat_bytes(header.size, form.bytes_per_pixel)
        return Photo(form, header.image, header.size, file, lambda _: needed, lambda: decoder(file))
    try:
        image = decoder(file)
    except DECODER_ERRORS as error:
        raise _invalid_header(form.name, describe(error)) from error
    _check_size(image.size, limits)
    if form.name == "TIFF":  # the decoder decodes whole tiles, even if the image is smaller
        _check_size(memory.tile_size(image), limits)
    decode_bytes: dict[str, Callable[[int], int]] = {
        "JPEG": lambda size: memory.jpeg_bytes(image, draft_side(size), buffered=buffered),
        "PNG": lambda _: memory.flat_bytes(image.size, memory.mode_bytes(image)),
        "TIFF": lambda _: memory.tiff_bytes(image),
        "HEIC": lambda _: memory.heic_bytes(image),
    }
    flat = lambda _: memory.flat_bytes(image.size, form.bytes_per_pixel)  # noqa: E731
    return Photo(form, image, image.size, file, decode_bytes.get(form.name, flat), lambda: image)


def prepare() -> None:
    """Import the decoder of JPEG, which most photos need. The first photo of each other format imports its own."""
    load_decoder(FORMATS[0])


def _invalid_header(name: str, reason: str) -> PhotoUnreadable:
    return PhotoUnreadable(f"the {name} photo has an invalid header ({reason}); send the original file again")


def _check_size(size: tuple[int, int], limits: PhotoLimits) -> None:
    megapixels = size[0] * size[1] / 1e6
    if megapixels > limits.max_megapixels:
        raise PhotoTooLarge(
            f"photo is {megapixels:.1f} MP, at most {limits.max_megapixels:g} MP are read; send a smaller one"
        )

"""The photos of a request: untrusted bytes, opened as photos and decoded together to upright RGB pixels.

`open_photo` makes cheap checks: it detects the format from the first bytes (never from the Content-Type), and limits
the size in the header and the number of segments, chunks or list values. `Photo.decode` then decodes the image. A JPEG
is decoded only at the resolution that the model needs. If there are several photos, an error names the photo.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ClientError, PhotoTooLarge, PhotoUnreadable
from chalicelib.photo import memory
from chalicelib.photo.exif import read_exif
from chalicelib.photo.formats import (
    DECODER_ERRORS,
    FORMATS,
    Format,
    TimedFile,
    check_directory,
    check_segments,
    describe,
    detect_format,
    load_decoder,
    read_jpeg_header,
    read_webp_header,
    with_metadata_first,
)
from chalicelib.photo.memory import DecodeMemory
from chalicelib.photo.pixels import Picture, Quality, decode, draft_side, quality_of

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


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """The facts in a photo's file, read without decoding its pixels.

    `width`, `height`: in pixels. `gps`: GPS tags of EXIF. `taken`, `offset`: the time by the camera's clock and this
    clock's offset from UTC, from EXIF; empty if unknown.
    """

    width: int
    height: int
    size_in_bytes: int
    gps: Mapping[int, Any] = field(repr=False)
    taken: str
    offset: str = ""

    @property
    def megapixels(self) -> float:
        """Return the number of pixels, in millions."""
        return self.width * self.height / 1e6

    @classmethod
    def of(cls, photo: Photo) -> Self:
        """Return the facts of an opened photo."""
        return cls(photo.width, photo.height, photo.size_in_bytes, photo.gps, photo.taken, photo.offset)

    @classmethod
    def of_header(cls, data: bytes) -> Self | None:
        """Return the facts in the first bytes of a JPEG, or None if these bytes lack them. Takes a tenth of a ms."""
        header = read_jpeg_header(data)
        exif = read_exif(header.image)
        return cls(*header.size, len(data), exif.gps, exif.taken, exif.offset) if 0 not in header.size else None

    @classmethod
    def read(cls, data: bytes, limits: PhotoLimits) -> Self | None:
        """Return the facts of a photo's bytes, or None if the photo cannot be opened."""
        try:
            with closing(open_photo(data, limits)) as photo:
                return cls.of(photo)
        except ClientError:
            return None


class DecodedPhoto(NamedTuple):
    """A decoded photo. `square`: the image of the general model. `picture`: the whole photo, for a second look."""

    square: NDArray[np.uint8]
    picture: Picture
    quality: Quality

    @classmethod
    def of(cls, picture: Picture, size: int, detail: int, pixels: int) -> Self:
        """Return a decoded photo. `size`, `detail`: as in `Photos`. `pixels`: the original's shorter side."""
        square = picture.square(size)
        return cls(square, picture.reduced(detail), quality_of(square, pixels))


class OpenedPhotos:
    """Photos that are opened, not decoded yet. Leaving its `with` block ends the stack `files`, which closes them."""

    def __init__(self, photos: Sequence[Photo], settings: "Photos", files: ExitStack) -> None:
        self._photos, self._settings, self._files = photos, settings, files
        self.facts = tuple(map(PhotoFacts.of, photos))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def decode(self) -> list[DecodedPhoto]:
        """Decode all photos; several at the same time. Raises `ClientError`."""
        if len(self._photos) == 1:
            return [self._decode(0)]
        from concurrent.futures import ThreadPoolExecutor  # only some requests have several photos

        with ThreadPoolExecutor(min(len(self._photos), os.process_cpu_count() or 1)) as pool:
            return list(pool.map(self._decode, range(len(self._photos))))

    def _decode(self, number: int) -> DecodedPhoto:
        photo, size = self._photos[number], self._settings.size
        detail = max(size, self._settings.detail)
        with _numbered(number, len(self._photos)), self._settings.memory.reserve(photo.decode_bytes(detail)):
            return DecodedPhoto.of(photo.decode(detail), size, detail, min(photo.width, photo.height))


@dataclass(frozen=True, slots=True)
class Photos:
    """Opens photos within limits. `memory`: shared by all photos of the process.

    `size`: side of the general model's image in pixels. `detail`: side of the largest square that any model sees, if it
    is larger than `size`.
    """

    limits: PhotoLimits
    memory: DecodeMemory
    size: int
    detail: int = 0

    def open(self, photos: Sequence[bytes]) -> OpenedPhotos:
        """Open photos without decoding them. Raises `ClientError`."""
        with ExitStack() as files:  # which closes them after an error
            opened: list[Photo] = []
            for number, data in enumerate(photos):
                with _numbered(number, len(photos)):
                    opened.append(files.enter_context(closing(open_photo(data, self.limits))))
            return OpenedPhotos(opened, self, files.pop_all())


@contextmanager
def _numbered(number: int, count: int) -> Iterator[None]:
    """Put the photo's number into a `ClientError`, if there are several photos. `number`: from 0."""
    try:
        yield
    except ClientError as error:
        if count == 1:
            raise
        raise type(error)(f"photo {number + 1} of {count}: {error}") from error

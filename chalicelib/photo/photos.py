"""The photos of a request: opened, checked and decoded together. If there are several, an error names the photo."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ClientError
from chalicelib.photo.decode import Photo, open_photo
from chalicelib.photo.exif import read_exif
from chalicelib.photo.headers import read_jpeg_header
from chalicelib.photo.memory import DecodeMemory
from chalicelib.photo.pixels import Picture
from chalicelib.photo.quality import Quality, quality_of


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

"""The photos of a request: opened, checked and decoded. Of several photos, an error names the one."""

import os
from collections.abc import Iterator, Sequence

from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ClientError
from chalicelib.model.recogniser import View
from chalicelib.photo.decode import Photo, open_photo
from chalicelib.photo.decode_memory import DecodeMemory


def open_photos(photos: Sequence[bytes], limits: PhotoLimits) -> Iterator[Photo]:
    """Open photos without decoding them. Raises `ClientError`."""
    for number, data in enumerate(photos, 1):
        try:
            yield open_photo(data, limits)
        except ClientError as error:
            if len(photos) == 1:
                raise
            raise _of_photo(error, number, len(photos)) from error


def decode_photos(photos: Sequence[Photo], size: int, memory: DecodeMemory) -> list[View]:
    """Return what the models look at in each photo. Several photos are decoded at the same time.

    `size`: side of the general model's image. `memory`: shared by all photos of the process. Raises `ClientError`.
    """

    def view(number: int) -> View:
        photo = photos[number]
        try:
            with memory.reserve(photo.decode_bytes(size)):
                picture = photo.decode(size)
                return View(picture.square(size), picture.reduced(size))
        except ClientError as error:
            if len(photos) == 1:
                raise
            raise _of_photo(error, number + 1, len(photos)) from error

    if len(photos) == 1:
        return [view(0)]
    from concurrent.futures import ThreadPoolExecutor  # only some requests have several photos

    with ThreadPoolExecutor(min(len(photos), os.process_cpu_count() or 1)) as pool:
        return list(pool.map(view, range(len(photos))))


def _of_photo(error: ClientError, number: int, count: int) -> ClientError:
    return type(error)(f"photo {number} of {count}: {error}")

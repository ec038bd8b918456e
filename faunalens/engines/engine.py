"""What an engine is: models of this process, or a service, that identify one photo at a place.

The module also has what engines share: where a photo was taken, and the gathering of photos into batches for a GPU.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from threading import Lock
from typing import Any, NamedTuple, Protocol

from chalicelib.errors import LocationInvalid, PhotoTooLarge, PhotoUnreadable, UnsupportedMediaType
from chalicelib.location import Location
from chalicelib.photo.exif import location_from_gps
from chalicelib.photo.photos import Photo, PhotoFacts
from faunalens.engines.place import Place
from faunalens.errors import CommandError

LASTING = (PhotoTooLarge, UnsupportedMediaType, PhotoUnreadable)
"""Errors that the photo itself causes, so that another run would not help."""
OPTIONS = {"boxes=true": "--boxes", "location=none": "--no-location", "lat and lon": "--lat and --lon"}
"""The command's option for each parameter of an API request."""


def in_options(detail: str) -> str:
    """Return an error message of the API in the command's words: options in place of query parameters."""
    for parameter, option in OPTIONS.items():
        detail = detail.replace(parameter, option)
    return detail


def position_in(photo: Photo | PhotoFacts) -> Location | None:
    """Return where EXIF says that a photo was taken; None if its GPS tags are empty, or no valid position."""
    try:
        return location_from_gps(photo.gps)
    except LocationInvalid:
        return None


class Refused(Exception):
    """A photo has no answer. `is_lasting`: whether the photo itself is the cause; see `LASTING`."""

    def __init__(self, code: str, detail: str, *, is_lasting: bool) -> None:
        super().__init__(detail)
        self.code, self.detail, self.is_lasting = code, detail, is_lasting


class Identified(NamedTuple):
    """An engine's `answer` as JSON, its `features.mode`, and what the photo's file says."""

    answer: str
    mode: str
    photo: PhotoFacts


class Engine(Protocol):
    """Something that identifies photos: models in this process, or a service. Thread-safe."""

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        """Identify the animal in a photo. `shift`: seconds to add to its clock.

        Raises `Refused` for this photo, and `ModelError` or `CommandError` for a fault that every photo would meet.
        """


def required(module: str, extra: str) -> Any:
    """Import a module of an optional package. `extra`: the extra of `faunalens` that installs it.

    Raises `CommandError`, which says how to install it, if it is missing.

    What the module prints goes to standard error: standard output is for answers.
    """
    try:
        with redirect_stdout(sys.stderr):
            return import_module(module)
    except ImportError as error:
        advice = f"install faunalens with it, for example by `uv tool install '.[{extra}]'`"
        raise CommandError(f"the engine {extra} needs the package {extra} ({error}); {advice}") from error


@contextmanager
def loading(project: str, weights: str, what: str) -> Iterator[None]:
    """Let a block load another project's models; what they print goes to standard error.

    `what`: what `--weights` may name instead, for the message. Raises `CommandError` whatever fails, as errors of
    torch, of the network and of files have no common base class.
    """
    try:
        with redirect_stdout(sys.stderr):
            yield
    except Exception as error:
        advice = f"its weights are downloaded at the first use: check the network, or give {what} with --weights"
        raise CommandError(f"{project} cannot load {weights} ({error}); {advice}") from error


MOST = 8  # photos in a batch, at most: their pixels have to fit into a GPU's memory


class Gathered[T, R]:
    """Gathers the items of several threads into batches for `work`: while one runs, the next fills. Thread-safe."""

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], most: int = MOST) -> None:
        self._work, self._most = work, most
        self._turn, self._waiting = Lock(), list[tuple[T, Future[R]]]()

    def __call__(self, item: T) -> R:
        """Return what `work` returns for an item. An error of `work` is raised for every item of the batch."""
        mine: Future[R] = Future()
        self._waiting.append((item, mine))
        with self._turn:
            while not mine.done():  # else another thread's batch had it
                batch = self._waiting[: self._most]
                del self._waiting[: len(batch)]  # more may have come since
                try:
                    results = self._work([each for each, _ in batch])
                except Exception as error:  # noqa: BLE001, it is raised in each thread
                    for _, future in batch:
                        future.set_exception(error)
                else:
                    for (_, future), result in zip(batch, results, strict=True):
                        future.set_result(result)
        return mine.result()

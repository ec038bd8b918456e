"""Identify one photo or video with an engine: the models of this process, or a service.

The module also has what the engines share: the answer for a video, and the gathering of photos into batches for a GPU.
"""

import json
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, Protocol

from chalicelib.api.http import json_of
from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import LocationInvalid, ModelError, PhotoTooLarge, PhotoUnreadable, UnsupportedMediaType
from chalicelib.location import Location
from chalicelib.photo.decode import Photo
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import PhotoFacts
from cli.errors import CommandError
from cli.place import Place
from cli.results import FileFacts, Outcome, State, Task
from cli.study.event import found_in
from cli.study.finding import Finding, alike, of_answer
from cli.study.moved import checksum_of
from cli.video import INSTALL, USUAL, Sampling, VideoUnreadable, can_read, is_video, opened

DEGRADED = "the animals of the place were not available, so the picture alone decided"
"""What is printed of an answer for which the animals of its place were not available."""
LASTING = (PhotoTooLarge, UnsupportedMediaType, PhotoUnreadable)
"""Errors that the photo itself causes, so that another run would not help."""
_PLACE = "give --deployments, --lat and --lon, or --no-location"
ADVICE = {
    "location_missing": f"the photo has no GPS position; {_PLACE}",
    "location_invalid": f"the photo's GPS position is none that can be used; {_PLACE}",
}
"""Advice to the command's user by error code, where the API's own advice is about requests."""
OPTIONS = {"boxes=true": "--boxes", "location=none": "--no-location", "lat and lon": "--lat and --lon"}
"""The command's option for each parameter of an API request."""


def in_options(detail: str) -> str:
    """Return an error message of the API in the command's words: options in place of query parameters."""
    for parameter, option in OPTIONS.items():
        detail = detail.replace(parameter, option)
    return detail


class Refused(Exception):
    """A photo has no answer. `is_lasting`: whether the photo itself is the cause; see `LASTING`."""

    def __init__(self, code: str, detail: str, *, is_lasting: bool) -> None:
        super().__init__(detail)
        self.code, self.detail, self.is_lasting = code, detail, is_lasting


class Identified(NamedTuple):
    """An engine's answer as JSON, the answer's `features.mode`, and what the photo's file says."""

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
        advice = f"install faunalens with it, such as by `uv tool install '.[{extra}]'`"
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


def work(task: Task, root: Path, engine: Engine, sampling: Sampling = USUAL) -> Outcome:
    """Read and identify one photo, or a video by its frames. If that fails, the outcome says why.

    Raises `ModelError` and `CommandError` for faults that every photo would meet.
    """
    path = root / task.path
    try:
        data = None if is_video(path) else path.read_bytes()
        checksum = checksum_of(path) if data is None else zlib.crc32(data)
        status = path.stat()
    except OSError as error:
        return Outcome(task, "failed", code="file_unreadable", detail=f"the file cannot be read ({error.strerror})")
    size = status.st_size if data is None else len(data)
    read = Outcome(task, "failed", size, status.st_mtime_ns, checksum)
    if read.checksum == task.checksum:
        return replace(read, state="touched")
    if not size:
        return replace(read, state="unreadable", code="photo_unreadable", detail="the file is empty; copy it again")
    try:
        found = _watch(path, task, engine, sampling) if data is None else engine.identify(data, task.place, task.shift)
    except (ModelError, CommandError):
        raise
    except Refused as refused:
        state: State = "unreadable" if refused.is_lasting else "failed"
        detail = ADVICE.get(refused.code, in_options(refused.detail))
        return replace(read, state=state, facts=facts_in(data, task.place), code=refused.code, detail=detail)
    except Exception as error:  # noqa: BLE001, one photo must not stop a million
        detail = f"{type(error).__name__}: {error}"
        return replace(read, facts=facts_in(data, task.place), code="internal", detail=detail)
    identified = replace(read, facts=_facts_of(found.photo, task.place), answer=found.answer)
    if found.mode == "degraded":  # the next run asks again
        return replace(identified, code="degraded", detail=DEGRADED)
    return replace(identified, state="done")


def _watch(path: Path, task: Task, engine: Engine, sampling: Sampling) -> Identified:
    """Identify the frames of a video. Raises `Refused` if the engine refuses a frame, or if none can be read."""
    if not can_read():
        raise Refused("video_unsupported", INSTALL, is_lasting=False)
    answers: list[FrameAnswer] = []
    found: list[Identified] = []
    try:
        with opened(path) as video:
            for frame in video.frames(sampling):
                found.append(engine.identify(frame.jpeg, task.place, task.shift))
                answers.append(FrameAnswer(frame.number, frame.seconds, json.loads(found[-1].answer)))
            whole = answer_of_frames(answers, video.fps, video.duration)
            photo = replace(found[0].photo, width=video.width, height=video.height)
    except VideoUnreadable as error:
        detail = f"the video is damaged or of another format ({error}); copy it again"
        raise Refused("video_unreadable", detail, is_lasting=True) from error
    mode = "degraded" if any(each.mode == "degraded" for each in found) else found[0].mode
    return Identified(json_of(whole), mode, photo)


def facts_in(data: bytes | None, place: Place) -> FileFacts:
    """Return what a photo's file says; nothing if it is unreadable or a video. `data`: the file, or its first bytes."""
    if not data:
        return FileFacts()
    photo = PhotoFacts.of_header(data) or PhotoFacts.read(data, PhotoLimits(max_bytes=len(data)))
    return _facts_of(photo, place) if photo else FileFacts()


def position_in(photo: Photo | PhotoFacts) -> Location | None:
    """Return where EXIF says that a photo was taken; None if its GPS tags are empty, or no valid position."""
    try:
        return location_from_gps(photo.gps)
    except LocationInvalid:
        return None


def _facts_of(photo: PhotoFacts, place: Place) -> FileFacts:
    latitude, longitude = place.latitude, place.longitude
    if place.source != "given" and (location := position_in(photo)):
        latitude, longitude = location.latitude, location.longitude
    taken = taken_at(photo.taken)
    return FileFacts(photo.width, photo.height, taken and taken + photo.offset, latitude, longitude)


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


class FrameAnswer(NamedTuple):
    """A frame with its answer. `number`: from 0. `seconds`: from the start."""

    number: int
    seconds: float
    answer: Mapping[str, Any]


def answer_of_frames(frames: Sequence[FrameAnswer], fps: float, duration: float) -> dict[str, Any]:
    """Return the answer for a video: that of its best frame, and a part `video` with the fields of `Clip` and `also`.

    The frames are weighed together, as the photos of an event are. Each taxon and kind that they show has a best frame.
    The first of these frames gives the answer, and `also` has the answers of the others.
    """
    findings = [of_answer(dict(frame.answer), "") for frame in frames]
    best = list(dict.fromkeys(_best(shown, findings) for shown in found_in(findings)))
    first, *others = (frames[index] for index in best)
    also = [{"frame": each.number, "seconds": each.seconds, "answer": each.answer} for each in others]
    about = {"fps": round(fps, 3), "duration": round(duration, 3), "processed": [frame.number for frame in frames]}
    return {**first.answer, "video": {"frame": first.number, "seconds": first.seconds, **about, "also": also}}


def _best(shown: Finding, findings: Sequence[Finding]) -> int:
    """Return the index of the frame that shows `shown` best: by name, then by score, then by number of boxes."""
    line = shown.named.line if shown.named else ()

    def worth(index: int) -> tuple[bool, float, int, float]:
        same = [part for part in findings[index].each if alike(part, shown)]
        is_named = any(part.named and part.named.line[: len(line)] == line for part in same)
        sure = max((part.sureness for part in same), default=0.0)
        return is_named, round(sure, 1), len(same), sure

    return max(range(len(findings)), key=worth)

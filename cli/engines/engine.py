"""Identify one photo or video by an engine: the models of this process, or a service."""

import json
import sys
import zlib
from contextlib import redirect_stdout
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from chalicelib.api.http import json_of
from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import LocationInvalid, ModelError
from chalicelib.location import Location
from chalicelib.photo.decode import Photo
from chalicelib.photo.exif import location_from_gps, taken_at
from chalicelib.photo.photos import PhotoFacts
from cli.engines.watch import Seen, answer_of_frames
from cli.errors import CommandError
from cli.place import Place
from cli.results import FileFacts, Outcome, State, Task
from cli.study.moved import checksum_of
from cli.video import INSTALL, USUAL, Sampling, VideoUnreadable, can_read, is_video, opened

DEGRADED = "the animals of the place were not to be had, so that the picture alone decided"
"""Detail of an answer without its place."""


_PLACE = "give --deployments, --lat and --lon, or --no-location"
ADVICE = {
    "location_missing": f"the photo has no GPS position; {_PLACE}",
    "location_invalid": f"the photo's GPS position is none that can be used; {_PLACE}",
}
"""What the command's user can do, where the API's own advice is about its requests. By code."""
OPTIONS = {"boxes=true": "--boxes", "location=none": "--no-location", "lat and lon": "--lat and --lon"}
"""What parameters of a request are called as options of the command."""


def in_options(detail: str) -> str:
    """Return an error of the API as the command's user knows its words."""
    for parameter, option in OPTIONS.items():
        detail = detail.replace(parameter, option)
    return detail


class Refused(Exception):
    """A photo has no answer. `is_lasting`: it is the photo's own fault, so that no other run would do better."""

    def __init__(self, code: str, detail: str, *, is_lasting: bool) -> None:
        super().__init__(detail)
        self.code, self.detail, self.is_lasting = code, detail, is_lasting


class Identified(NamedTuple):
    """An answer as JSON, its `features.mode`, and what the photo's file says."""

    answer: str
    mode: str
    photo: PhotoFacts


class Engine(Protocol):
    """Something that identifies photos. Thread-safe."""

    def identify(self, data: bytes, place: Place, shift: float = 0.0) -> Identified:
        """Identify the animal in a photo. `shift`: seconds to add to its clock.

        Raises `Refused`, and `ModelError` or `CommandError` if no photo could be identified.
        """


def required(module: str, extra: str) -> Any:
    """Import a module of an extra. Raises `CommandError`, which says how to install it.

    What it prints goes to standard error: standard output has answers.
    """
    try:
        with redirect_stdout(sys.stderr):
            return import_module(module)
    except ImportError as error:
        raise CommandError(
            f"the engine {extra} needs the package {extra} ({error}); install faunalens with it, such as by "
            f"`uv tool install '.[{extra}]'`"
        ) from error


def work(task: Task, root: Path, engine: Engine, sampling: Sampling = USUAL) -> Outcome:
    """Read and identify one photo, or a video by its frames. What is wrong with it is its outcome.

    Raises `ModelError` and `CommandError`, which no other photo would escape.
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
        if data is None:
            answer, mode, photo = _watch(path, task, engine, sampling)
        else:
            answer, mode, photo = engine.identify(data, task.place, task.shift)
    except (ModelError, CommandError):
        raise
    except Refused as refused:
        state: State = "unreadable" if refused.is_lasting else "failed"
        detail = ADVICE.get(refused.code, in_options(refused.detail))
        return replace(read, state=state, facts=facts_in(data, task.place), code=refused.code, detail=detail)
    except Exception as error:  # noqa: BLE001, one photo must not stop a million
        detail = f"{type(error).__name__}: {error}"
        return replace(read, facts=facts_in(data, task.place), code="internal", detail=detail)
    identified = replace(read, facts=_facts_of(photo, task.place), answer=answer)
    if mode == "degraded":  # the next run asks again
        return replace(identified, code="degraded", detail=DEGRADED)
    return replace(identified, state="done")


def _watch(path: Path, task: Task, engine: Engine, sampling: Sampling) -> Identified:
    """Identify the frames of a video. Raises `Refused` if one of them is, or if none can be read."""
    if not can_read():
        raise Refused("video_unsupported", INSTALL, is_lasting=False)
    seen: list[Seen] = []
    found: list[Identified] = []
    try:
        with opened(path) as video:
            for frame in video.frames(sampling):
                found.append(engine.identify(frame.jpeg, task.place, task.shift))
                seen.append(Seen(frame.number, frame.seconds, json.loads(found[-1].answer)))
            whole = answer_of_frames(seen, video.fps, video.duration)
            photo = replace(found[0].photo, width=video.width, height=video.height)
    except VideoUnreadable as error:
        detail = f"the video is damaged or of another format ({error}); copy it again"
        raise Refused("video_unreadable", detail, is_lasting=True) from error
    text = json_of(whole)
    mode = next((each.mode for each in found if each.mode == "degraded"), found[0].mode)
    return Identified(text, mode, photo)


def facts_in(data: bytes | None, place: Place) -> FileFacts:
    """Return what the file of a photo says; nothing if it cannot be read, or is a video. `data`: or its beginning."""
    if not data:
        return FileFacts()
    photo = PhotoFacts.of_header(data) or PhotoFacts.read(data, PhotoLimits(max_bytes=len(data)))
    return _facts_of(photo, place) if photo else FileFacts()


def position_in(photo: Photo | PhotoFacts) -> Location | None:
    """Return where EXIF says that a photo was taken; None if its GPS tags are empty, or make no position."""
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

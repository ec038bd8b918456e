"""Identify one photo or video of a study with an engine, or many at the same time."""

import json
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from chalicelib.api.http import json_of
from chalicelib.config.settings import PhotoLimits
from chalicelib.errors import ModelError
from chalicelib.photo.exif import taken_at
from chalicelib.photo.photos import PhotoFacts
from faunalens.engines.engine import Engine, Identified, Refused, in_options, position_in
from faunalens.engines.place import Place
from faunalens.errors import CommandError
from faunalens.study.event import found_in
from faunalens.study.finding import Finding, alike, of_answer
from faunalens.study.moved import checksum_of
from faunalens.study.results import FileFacts, Outcome, State, Task
from faunalens.study.video import INSTALL, USUAL, Sampling, VideoUnreadable, can_read, is_video, opened

DEGRADED = "the animals of the place were not available, so the picture alone decided"
"""What is printed for an answer that was made without the animals of its place."""
_PLACE = "give --deployments, --lat and --lon, or --no-location"
ADVICE = {
    "location_missing": f"the photo has no GPS position; {_PLACE}",
    "location_invalid": f"the photo's GPS position cannot be used; {_PLACE}",
}
"""Advice to the command's user by error code, where the API's own advice is about requests."""
AHEAD = 2  # tasks in memory for each worker: one that it works on, and its next one


def identify_file(task: Task, root: Path, engine: Engine, sampling: Sampling = USUAL) -> Outcome:
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
                answers.append((frame.number, frame.seconds, json.loads(found[-1].answer)))
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


def _facts_of(photo: PhotoFacts, place: Place) -> FileFacts:
    latitude, longitude = place.latitude, place.longitude
    if place.source != "given" and (location := position_in(photo)):
        latitude, longitude = location.latitude, location.longitude
    taken = taken_at(photo.taken)
    return FileFacts(photo.width, photo.height, taken and taken + photo.offset, latitude, longitude)


def in_parallel[T, R](work: Callable[[T], R], tasks: Iterable[T], workers: int) -> Generator[R]:
    """Do all tasks in `workers` threads. Yield each result as soon as it is ready. An error of `work` is raised here.

    Threads are enough: decoding, scoring and hashing release the GIL. If the consumer stops, nobody waits for work
    under way, which may itself be waiting for a service: its results are lost.
    """
    left = iter(tasks)
    pool, running = ThreadPoolExecutor(workers), set[Future[R]]()
    try:
        while True:
            running |= {pool.submit(work, task) for task in islice(left, workers * AHEAD - len(running))}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


type FrameAnswer = tuple[int, float, Mapping[str, Any]]
"""The number of a frame, from 0, its time in seconds from the start, and its answer."""


def answer_of_frames(frames: Sequence[FrameAnswer], fps: float, duration: float) -> dict[str, Any]:
    """Return the answer for a video: that of its best frame, and `video`, which has the fields of `Clip` and `also`.

    The frames are weighed together, as the photos of an event are. Each taxon and kind that they show has a best frame.
    The first of these best frames gives the answer; `also` has the answers of the others.
    """
    findings = [of_answer(dict(answer), "") for _, _, answer in frames]
    best = list(dict.fromkeys(_best(shown, findings) for shown in found_in(findings)))
    (number, seconds, answer), *others = (frames[index] for index in best)
    also = [dict(zip(("frame", "seconds", "answer"), each, strict=True)) for each in others]
    about = {"fps": round(fps, 3), "duration": round(duration, 3), "processed": [each[0] for each in frames]}
    return {**answer, "video": {"frame": number, "seconds": seconds, **about, "also": also}}


def _best(shown: Finding, findings: Sequence[Finding]) -> int:
    """Return the index of the frame that shows `shown` best: by name, then by score, then by number of boxes."""
    line = shown.named.line if shown.named else ()

    def worth(index: int) -> tuple[bool, float, int, float]:
        same = [part for part in findings[index].each if alike(part, shown)]
        is_named = any(part.named and part.named.line[: len(line)] == line for part in same)
        sure = max((part.sureness for part in same), default=0.0)
        return is_named, round(sure, 1), len(same), sure

    return max(range(len(findings)), key=worth)

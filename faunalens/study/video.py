"""Read videos: time and place from the container, and frames spread over its length. Needs PyAV, the extra `video`."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from faunalens.words import rows_of

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

MEDIA_TYPES = {row["suffix"]: row["media_type"] for row in rows_of(Path(__file__).with_suffix(".csv"))}
INSTALL = "videos need PyAV; install faunalens with it, for example by `uv tool install '.[video]'`"
FAR = 3.0  # seconds between wanted frames from which a seek is faster than decoding all between
QUALITY = 95
SIDE = 1920
"""Longest side of a frame in pixels. A 4K frame takes 80 MB more, and the models look at far fewer pixels."""
OLDEST = 2000
"""First year that counts as real: a clock that was never set gives the container's zero, 1904 or 1970."""
_PLACE = re.compile(r"([+-]\d+\.?\d*)([+-]\d+\.?\d*)")
"""ISO 6709, as phones write it: +27.5916+086.5640+8850/."""


class Sampling(NamedTuple):
    """Which frames of a video to look at: one every `every` seconds, but at most `most`, spread over the video."""

    every: float = 1.0
    most: int = 30


USUAL = Sampling()


class Frame(NamedTuple):
    """A frame of a video, upright. `number`: from 0. `seconds`: from the start. `jpeg`: with time and place in EXIF."""

    number: int
    seconds: float
    jpeg: bytes


class VideoUnreadable(Exception):
    """The video, or the wanted frame of it, cannot be read."""


@cache
def can_read() -> bool:
    """Return whether PyAV is installed."""
    return find_spec("av") is not None


def is_video(path: Path | str) -> bool:
    """Return whether a file is a video, by its name."""
    return Path(path).suffix.lower() in MEDIA_TYPES


@contextmanager
def opened(path: Path) -> "Iterator[Video]":
    """Open a video. Raises `VideoUnreadable`, even if reading fails only in the block."""
    import av

    try:
        # A file may name others, even on the network, as a playlist does.
        with av.open(str(path), options={"protocol_whitelist": "file"}) as container:
            yield Video(container)
    except av.FFmpegError as error:
        raise VideoUnreadable(error.strerror or str(error)) from error


class Video:
    """An open video. `duration`: in seconds, 0 if unknown. `fps`: frames a second. `width`, `height`: in pixels."""

    def __init__(self, container: "InputContainer") -> None:
        from av import VideoStream

        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream) or stream.codec_context is None:
            raise VideoUnreadable("the file has no video of a known kind")
        self._container, self._stream = container, stream
        self.width, self.height, base = stream.width, stream.height, stream.time_base or 0
        self.duration = float((stream.duration or 0) * base) or (container.duration or 0) / 1e6
        self.fps = float(stream.average_rate or stream.guessed_rate or 1)
        self._start = float((stream.start_time or 0) * base)
        self._exif = exif_of({**stream.metadata, **container.metadata})

    def frames(self, sampling: Sampling) -> Iterator[Frame]:
        """Yield the frames to look at, until the video breaks off. Raises `VideoUnreadable` if there are none."""
        import av

        step = max(sampling.every, self.duration / sampling.most)
        last, number = self.duration or step * sampling.most, 0
        try:
            decoded = self._container.decode(self._stream)
            while number < sampling.most and number * step <= last:
                if number and step > FAR:
                    decoded = self._from(number * step)
                frame = self._first(decoded, number * step)
                if frame is None:
                    break
                yield self._encoded(frame)
                number += 1
        except av.FFmpegError as error:
            if not number:
                raise VideoUnreadable(error.strerror or str(error)) from error
        if not number:
            raise VideoUnreadable("the video has no frames")

    def frame_at(self, seconds: float) -> Frame:
        """Return the frame at a time, in seconds from the start. Raises `VideoUnreadable` if there is none."""
        if frame := self._first(self._from(seconds), seconds):
            return self._encoded(frame)
        raise VideoUnreadable(f"the video has no frame at {seconds:g} s")

    def _from(self, seconds: float) -> "Iterator[VideoFrame]":
        """Yield the frames from the last key frame before `seconds` (from the start) onwards."""
        if base := self._stream.time_base:
            self._container.seek(int((self._start + seconds) / base), stream=self._stream)
        return self._container.decode(self._stream)

    def _first(self, decoded: "Iterator[VideoFrame]", seconds: float) -> "VideoFrame | None":
        least = self._start + seconds - 0.5 / self.fps
        return next((frame for frame in decoded if frame.time is not None and frame.time >= least), None)

    def _encoded(self, frame: "VideoFrame") -> Frame:
        seconds = max((frame.time or 0.0) - self._start, 0.0)
        scale = min(1.0, SIDE / max(frame.width, frame.height))
        size = {"width": round(frame.width * scale), "height": round(frame.height * scale)}
        image = frame.to_image(**size)  # type: ignore[no-untyped-call]
        if frame.rotation:
            image = image.rotate(frame.rotation, expand=True)
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=QUALITY, exif=self._exif)
        return Frame(round(seconds * self.fps), round(seconds, 3), buffer.getvalue())


def exif_of(metadata: Mapping[str, str]) -> Image.Exif:
    """Return the time and the place in a video's metadata as EXIF.

    Phones write the time with its zone, and where they were. `creation_time` should be in UTC, but camera traps know no
    zone and write their clock's time, as they do in photos. So `creation_time` is taken as the camera's local time.
    """
    exif, apple = Image.Exif(), metadata.get("com.apple.quicktime.creationdate")
    with suppress(ValueError):
        time = datetime.fromisoformat(apple or metadata.get("creation_time", ""))
        if time.year >= OLDEST:
            exif.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = f"{time:%Y:%m:%d %H:%M:%S}"
            if apple and time.tzinfo:
                exif.get_ifd(IFD.Exif)[Base.OffsetTimeOriginal] = f"{time:%:z}"
    place = metadata.get("com.apple.quicktime.location.ISO6709") or metadata.get("location", "")
    if found := _PLACE.match(place):
        latitude, longitude = map(float, found.groups())
        north, east = "S" if latitude < 0 else "N", "W" if longitude < 0 else "E"
        gps: dict[int, Any] = {GPS.GPSLatitudeRef: north, GPS.GPSLatitude: (abs(latitude), 0.0, 0.0)}
        gps |= {GPS.GPSLongitudeRef: east, GPS.GPSLongitude: (abs(longitude), 0.0, 0.0)}
        exif.get_ifd(IFD.GPSInfo).update(gps)
    return exif

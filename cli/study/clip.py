"""Which frame of a video an answer is about."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self


class Clip(NamedTuple):
    """A frame of a video, and the video. `frame`: from 0. `seconds`: of the frame, from the start.

    `fps`: frames a second. `duration`: in seconds, 0 if unknown. `processed`: the frames that were looked at.
    """

    frame: int
    seconds: float
    fps: float
    duration: float
    processed: tuple[int, ...]

    @classmethod
    def of(cls, video: Mapping[str, Any]) -> Self:
        """Return the clip of the part `video` of an answer."""
        return cls._make((*(video[name] for name in cls._fields[:-1]), tuple(video["processed"])))

    @property
    def remark(self) -> str:
        """Return when that is, for remarks of exports."""
        return f"at {self.seconds:g} s of the video (frame {self.frame})"

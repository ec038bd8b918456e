"""What goes into and comes out of a results file: a photo that was found, a task, an outcome, a row."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

State = Literal["new", "touched", "done", "unreadable", "failed"]
"""State of a photo. `touched`: the file was written again since its answer, with as many bytes. `unreadable`: stays so
until the file changes. `failed`: will be tried again by the next run, as will a `done` photo never."""

LEFT: tuple[State, ...] = ("new", "touched", "failed")
"""The states of photos that a run still has to look at."""


class Place(NamedTuple):
    """Where a photo was taken, as far as the command was told: a position, or else EXIF, or nothing.

    `source`: `given` (by the deployments or the command), `exif`, or `none`: use EXIF's position if there is one, or
    else the picture alone.
    """

    source: Literal["given", "exif", "none"]
    latitude: float | None = None
    longitude: float | None = None

    @property
    def text(self) -> str:
        """Return the place as it is kept in the results, to notice a place that was corrected."""
        return f"{self.latitude!r},{self.longitude!r}" if self.source == "given" else self.source

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Parse what `text` returned."""
        if text == "exif":
            return EXIF
        if text == "none":
            return NONE
        latitude, longitude = map(float, text.split(","))
        return cls("given", latitude, longitude)


EXIF, NONE = Place("exif"), Place("none")


class FoundPhoto(NamedTuple):
    """A photo that a run was asked to look at.

    `modified`: ns since 1970. `place`, `shift`: seconds to add to its clock; None if the run was not told.
    """

    path: str
    size: int
    modified: int
    deployment: str | None
    place: Place | None
    shift: float | None


class Task(NamedTuple):
    """A photo that is left to look at.

    `checksum`: of the bytes of its last answer, if only the file's time changed. `shift`: seconds to add to its clock.
    """

    id: int
    path: str
    place: Place
    checksum: int | None
    shift: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a photo says about itself. `taken`: the camera's clock as 'YYYY-MM-DD HH:MM:SS', or None."""

    width: int | None = None
    height: int | None = None
    taken: str | None = None
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task. `state` is `touched` if the bytes are the same as before, so that the answer stays.

    `identified`: when, UTC in ISO 8601; None for now.
    """

    task: Task
    state: State
    size: int = 0
    modified: int = 0
    checksum: int | None = None
    seen: Seen = Seen()
    answer: str | None = None
    code: str | None = None
    detail: str | None = None
    identified: str | None = None


class Counts(NamedTuple):
    """Number of photos by state."""

    done: int = 0
    unreadable: int = 0
    failed: int = 0
    left: int = 0

    @property
    def total(self) -> int:
        """Return the number of all photos."""
        return sum(self)

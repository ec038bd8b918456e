"""The moment by which something has to be done: a value that is passed down, not a number spread in calls."""

from dataclasses import dataclass
from time import monotonic
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """A moment on this process' monotonic clock.

    >>> Deadline.after(1.5).within(0.4) < Deadline.after(1.5)
    True
    """

    at: float

    @classmethod
    def after(cls, seconds: float) -> Self:
        """The moment that many seconds from now."""
        return cls(monotonic() + seconds)

    def left(self) -> float:
        """Seconds that remain; 0 or less once it has passed."""
        return self.at - monotonic()

    def within(self, seconds: float) -> "Deadline":
        """The sooner of this moment and one that many seconds from now."""
        return Deadline(min(self.at, monotonic() + seconds))

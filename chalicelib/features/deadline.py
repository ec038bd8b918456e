"""The moment by which an operation must end. Passed down as a value, so that no callee adds a timeout of its own."""

from collections.abc import Callable
from time import monotonic
from typing import Self


class Deadline:
    """A moment on this process's monotonic clock, `at`. `now` reads that clock; a simulation brings its own.

    >>> Deadline.after(1.5).within(0.4).left() <= 0.4
    True
    """

    __slots__ = ("at", "now")

    def __init__(self, at: float, now: Callable[[], float] = monotonic) -> None:
        self.at, self.now = at, now

    @classmethod
    def after(cls, seconds: float, now: Callable[[], float] = monotonic) -> Self:
        """The moment that many seconds from now."""
        return cls(now() + seconds, now)

    def left(self) -> float:
        """Seconds that remain; 0 or less once the deadline has passed."""
        return self.at - self.now()

    def within(self, seconds: float) -> "Deadline":
        """The earlier of this deadline and one that many seconds from now."""
        return Deadline(min(self.at, self.now() + seconds), self.now)

"""The moment by which an operation must end. Passed down as a value, so that no callee adds a timeout of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """A moment on this process's monotonic clock. `now` reads that clock; a simulation brings its own.

    >>> Deadline.after(1.5).within(0.4) < Deadline.after(1.5)
    True
    """

    at: float
    now: Callable[[], float] = field(default=monotonic, compare=False, repr=False)

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

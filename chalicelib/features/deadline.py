"""The deadline of an operation. It is passed down as a value, so that no callee adds a timeout of its own."""

from collections.abc import Callable
from time import monotonic
from typing import Self


class Deadline:
    """The moment by which an operation must end, as a time `at` on the clock `now`.

    `now` is the monotonic clock by default; a simulation passes its own.

    >>> Deadline.after(1.5).within(0.4).left() <= 0.4
    True
    """

    __slots__ = ("at", "now")

    def __init__(self, at: float, now: Callable[[], float] = monotonic) -> None:
        self.at, self.now = at, now

    @classmethod
    def after(cls, seconds: float, now: Callable[[], float] = monotonic) -> Self:
        """Return the deadline that is `seconds` from now."""
        return cls(now() + seconds, now)

    def left(self) -> float:
        """Return the remaining seconds; 0 or less once the deadline has passed."""
        return self.at - self.now()

    def within(self, seconds: float) -> "Deadline":
        """Return the earlier of this deadline and the deadline that is `seconds` from now."""
        return Deadline(min(self.at, self.now() + seconds), self.now)

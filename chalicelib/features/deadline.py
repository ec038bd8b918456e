"""The deadline of an operation, and the clocks of a lookup, in objects that a simulation can replace."""

import time as clocks
from collections.abc import Callable
from time import monotonic
from typing import Self


class Deadline:
    """The moment by which an operation must end: the time `at` on the clock `now`, which a simulation may replace.

    It is passed down as a value, so that no callee adds a timeout of its own.

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


class Clock:
    """The clocks of this machine, in seconds: `time` for expiry dates, `monotonic` for durations, `sleep` for waiting.

    Simulations and tests override these methods.
    """

    time = staticmethod(clocks.time)
    monotonic = staticmethod(clocks.monotonic)
    sleep = staticmethod(clocks.sleep)

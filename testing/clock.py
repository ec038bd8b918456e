"""A clock for tests that set the wall time by hand while durations and waits stay real."""

from collections.abc import Callable
from time import monotonic, sleep


class WallClock:
    """The clocks of this machine, but `time` returns what `now` returns (seconds since 1970)."""

    monotonic = staticmethod(monotonic)
    sleep = staticmethod(sleep)

    def __init__(self, now: Callable[[], float]) -> None:
        self.time = now

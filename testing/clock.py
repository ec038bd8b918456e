"""A clock for tests that set the wall time by hand while durations and waits stay real."""

from collections.abc import Callable

from chalicelib.features.clock import Clock


class WallClock(Clock):
    """The clocks of this machine, but `time` returns what `now` returns (seconds since 1970)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.time = now

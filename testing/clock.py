"""A clock for tests that set the wall time by hand; durations and waits stay real."""

from collections.abc import Callable

from chalicelib.features.clock import Clock


class WallClock(Clock):
    """The clocks of this machine, except that `now` replaces `time` (seconds since 1970)."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.time = now

"""The clocks that feature look-ups use, as one object, so that a simulation can move time itself."""

import time as clocks
from typing import Protocol


class Clock(Protocol):
    """Wall time for expiry dates, monotonic time for durations, and waiting. All in seconds."""

    def time(self) -> float: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class SystemClock:
    """The clocks of this machine."""

    time = staticmethod(clocks.time)
    monotonic = staticmethod(clocks.monotonic)
    sleep = staticmethod(clocks.sleep)

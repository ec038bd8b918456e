"""The clocks of feature lookups, in one object that a simulation can replace."""

import time as clocks


class Clock:
    """The clocks of this machine, in seconds: `time` for expiry dates, `monotonic` for durations, `sleep` for waiting.

    Simulations and tests override these methods.
    """

    time = staticmethod(clocks.time)
    monotonic = staticmethod(clocks.monotonic)
    sleep = staticmethod(clocks.sleep)

"""The clocks that feature lookups use, as one object, so that a simulation can move time itself."""

import time as clocks


class Clock:
    """The clocks of this machine: wall time for expiry dates, monotonic time for durations, waiting. All in seconds.

    A simulation or a test overrides the methods.
    """

    time = staticmethod(clocks.time)
    monotonic = staticmethod(clocks.monotonic)
    sleep = staticmethod(clocks.sleep)

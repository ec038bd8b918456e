"""The initialisation time of a process. The first request that counts in metrics reports it."""

from collections.abc import Callable
from threading import Lock
from time import perf_counter


class ColdStart:
    """A stopwatch for the initialisation of a process. Thread-safe.

    On Lambda, importing `app.py` also builds the services. Elsewhere the first request builds them; idle time between
    the import and that request does not count. `began`: `time.perf_counter()` at the start of the import.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._seconds: float | None = None  # None until the import is over
        self._is_reported = False
        self._lock = Lock()

    def mark_imported(self) -> None:
        """Record that `app.py` has been imported."""
        self._seconds = perf_counter() - self._began

    def measure[T](self, build: Callable[[], T]) -> T:
        """Run a part of the initialisation after the import, and add its duration to the initialisation time."""
        started = perf_counter()
        try:
            return build()
        finally:
            if self._seconds is not None:
                self._seconds += perf_counter() - started

    def pop_seconds(self) -> float | None:
        """Return the initialisation time at the first call, and None at all later calls."""
        with self._lock:
            if self._is_reported:
                return None
            self._is_reported = True
            return self._seconds

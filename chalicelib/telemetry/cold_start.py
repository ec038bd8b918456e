"""How long a process took to get ready: told once, by the first request that is counted."""

from collections.abc import Callable
from threading import Lock
from time import perf_counter


class Start:
    """Time spent on getting ready, wherever it is spent. Safe for threads.

    Behind the API, everything is ready when `app.py` has been imported. Elsewhere the parts are built by the first
    request; the time between, in which nobody asked, does not count. `began`: of `time.perf_counter`.
    """

    def __init__(self, began: float) -> None:
        self._began = began
        self._seconds: float | None = None  # None until imported
        self._is_told = False
        self._lock = Lock()

    def imported(self) -> None:
        """The process's own modules have been imported."""
        self._seconds = perf_counter() - self._began

    def timed[T](self, build: Callable[[], T]) -> T:
        """Build something that had to wait until it was needed."""
        started = perf_counter()
        try:
            return build()
        finally:
            if self._seconds is not None:
                self._seconds += perf_counter() - started

    def tell(self) -> float | None:
        """Seconds that it took, to the first who asks; None to all others."""
        with self._lock:
            if self._is_told:
                return None
            self._is_told = True
            return self._seconds

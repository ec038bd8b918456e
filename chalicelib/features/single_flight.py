"""One lookup per cell at a time within a process: concurrent threads share the first one's result."""

from collections.abc import Callable
from threading import Lock

from chalicelib.features.deadline import Deadline


class _Flight[T]:
    """A running lookup. The lock `landed` is held until it ends."""

    __slots__ = ("landed", "result")

    def __init__(self) -> None:
        self.result: T | None = None
        self.landed = Lock()
        self.landed.acquire()


class SingleFlight[T]:
    """The lookups in progress, keyed by cell, so that concurrent requests for a cell share one."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Flight[T]] = {}

    def join(self, cell: int, look_up: Callable[[], T], deadline: Deadline) -> tuple[T | None, bool]:
        """The result for a cell, and whether this caller ran the lookup itself.

        The result is None if another thread's lookup did not end by the deadline, or raised: only the thread that
        ran it sees the exception.
        """
        flight: _Flight[T] = _Flight()
        leading = self._under_way.setdefault(cell, flight)
        if leading is not flight:
            if leading.landed.acquire(timeout=max(deadline.left(), 0.0)):
                leading.landed.release()
            return leading.result, False
        try:
            flight.result = look_up()
            return flight.result, True
        finally:
            del self._under_way[cell]
            flight.landed.release()

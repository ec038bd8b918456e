"""At most one lookup per cell at a time in a process. Concurrent threads share its result."""

from collections.abc import Callable
from threading import Lock

from chalicelib.features.deadline import Deadline


class _Flight[T]:
    """A running lookup. The lock `landed` is held until the lookup ends."""

    __slots__ = ("landed", "result")

    def __init__(self) -> None:
        self.result: T | None = None
        self.landed = Lock()
        self.landed.acquire()


class SingleFlight[T]:
    """The running lookups by cell. Concurrent requests for a cell share one lookup."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Flight[T]] = {}

    def join(self, cell: int, look_up: Callable[[], T], deadline: Deadline) -> tuple[T | None, bool]:
        """Run `look_up`, or wait if another thread is running the lookup of the same cell.

        Returns the result, and whether this thread ran the lookup. The result is None if the other thread's lookup
        failed or did not end by the deadline. Only the thread that runs a lookup sees its exception.
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

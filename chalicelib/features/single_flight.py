"""One look-up a cell at a time within a process: threads that ask for the same take the first one's answer."""

from collections.abc import Callable
from threading import Lock

from chalicelib.features.deadline import Deadline


class _Flight[T]:
    """A look-up under way; `landed` is held until it is over."""

    __slots__ = ("landed", "result")

    def __init__(self) -> None:
        self.result: T | None = None
        self.landed = Lock()
        self.landed.acquire()


class SingleFlight[T]:
    """Look-ups under way, by cell."""

    def __init__(self) -> None:
        self._under_way: dict[int, _Flight[T]] = {}

    def join(self, cell: int, look_up: Callable[[], T], deadline: Deadline) -> tuple[T | None, bool]:
        """The result for a cell, and whether it was this caller who looked it up.

        None if another's look-up was not over by the deadline, or ended in an exception, which is for that caller.
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

"""The memory that photos in decoding share."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from chalicelib.errors import PhotoTooLarge, Unavailable


class DecodeMemory:
    """A number of bytes for all photos that are being decoded, given in the order of arrival. Safe for threads.

    Parameters: total, bytes; patience, longest time to wait for memory in seconds.
    """

    def __init__(self, total: int, patience: float) -> None:
        self.total, self._patience = total, patience
        self._free = total
        self._waiting: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Take `size` bytes until the block ends; wait for them if necessary.

        Raises `PhotoTooLarge` if they are more than there are in all, and `Unavailable` if the wait is too long.
        """
        if size > self.total:
            raise PhotoTooLarge(
                f"decoding the photo takes {size / 1e6:.0f} MB of memory, at most {self.total / 1e6:.0f} MB are used; "
                "send a smaller one, or save it as JPEG"
            )
        self._take(size)
        try:
            yield
        finally:
            with self._changed:
                self._free += size
                self._changed.notify_all()

    def _take(self, size: int) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                if not self._changed.wait_for(
                    lambda: self._waiting[0] is ticket and self._free >= size, timeout=self._patience
                ):
                    raise Unavailable("too many large photos are being decoded; try again in 2 s", retry_after=2)
                self._free -= size
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

"""The memory that all photos share while they are decoded."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from chalicelib.errors import PhotoTooLarge, Unavailable


class DecodeMemory:
    """The memory for decoding photos. Photos get memory in the order of their arrival. Thread-safe.

    `total`: number of bytes. `patience`: maximum number of seconds that a photo waits for memory.
    """

    def __init__(self, total: int, patience: float) -> None:
        self.total, self._patience = total, patience
        self._free = total
        self._waiting: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Wait until `size` bytes are free, and reserve them until the `with` block ends.

        Raises `PhotoTooLarge` if `size` exceeds the total, and `Unavailable` if the wait is too long.
        """
        if size > self.total:
            raise PhotoTooLarge(
                f"decoding the photo takes {size / 1e6:.0f} MB of memory, but at most {self.total / 1e6:.0f} MB are "
                "available; send a smaller one, or save it as JPEG"
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
                    raise Unavailable(
                        "too many large photos are being decoded; try again in 2 s", retry_after=2, limit="decoding"
                    )
                self._free -= size
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

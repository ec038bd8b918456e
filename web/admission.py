"""Admission: how many photos wait or are being identified, and which are turned away.

One queue, first come first served, before as many worker threads as processors. More threads would compete for the
processors and finish out of order: with 64 clients, the slowest percent of answers would take six times as long.
"""

import asyncio
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter

from chalicelib.errors import Unavailable

_NEWEST = 0.1
"""Share of the newest measurement in the running average of service times."""
_FIRST_GUESS = 0.02
"""Seconds that a photo takes, until one was measured."""


class Admission:
    """Admits photos while their expected wait and their bodies stay within limits. For one event loop."""

    def __init__(self, workers: int, queue_seconds: float, body_bytes: int) -> None:
        self._workers, self._queue_seconds, self._body_bytes = workers, queue_seconds, body_bytes
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="photo")
        self._service_seconds = _FIRST_GUESS
        self._queued = 0
        self._held_bytes = 0

    @property
    def expected_wait(self) -> float:
        """Seconds until a photo that joins the queue now would reach a worker."""
        return max(self._queued - self._workers + 1, 0) * self._service_seconds / self._workers

    @contextmanager
    def receiving(self, declared: int) -> Iterator[Callable[[int], None]]:
        """Admit a body of `declared` bytes; yield a function to call with the length of each part that has arrived.

        Only bytes that have arrived count, or else a few slow clients could keep out all others. Entering and the
        function raise `Unavailable` if too many bytes are in memory.
        """
        self._check_memory(0, declared)
        held = 0

        def arrived(length: int) -> None:
            nonlocal held
            self._check_memory(held, length)
            held += length
            self._held_bytes += length

        try:
            yield arrived
        finally:
            self._held_bytes -= held

    def _check_memory(self, own: int, more: int) -> None:
        """Raise `Unavailable` if `more` bytes are too many, unless only this body's `own` bytes are in memory."""
        if self._held_bytes > own and self._held_bytes + more > self._body_bytes:
            raise Unavailable("too many photos are being received; try again in a moment", retry_after=1)

    async def run[T](self, work: Callable[[], T]) -> T:
        """Run work on a worker thread, in the order of the calls. Raises `Unavailable` if the queue is too long."""
        self.check_queue()
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._timed, work)
        finally:
            self._queued -= 1

    def check_queue(self) -> None:
        """Raise `Unavailable` if the queue is too long."""
        wait = self.expected_wait
        if wait > self._queue_seconds:
            seconds = math.ceil(wait)
            raise Unavailable(f"too many photos are waiting; try again in {seconds} s", retry_after=seconds)

    def _timed[T](self, work: Callable[[], T]) -> T:
        started = perf_counter()
        try:
            return work()
        finally:
            self._service_seconds += _NEWEST * (perf_counter() - started - self._service_seconds)

    def close(self) -> None:
        """Finish the queue and end the threads."""
        self._pool.shutdown()

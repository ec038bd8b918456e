"""Admission: limit the number of photos that wait or are being identified, and reject all others.

Photos wait in one queue, first in, first out, for one worker thread per processor by default. More threads would
compete and finish out of order: with 64 clients, the slowest 1 % of answers would take six times as long. In a burst,
photos may wait for seconds. If more arrive than the queue accepts, the server is overloaded, and a longer queue would
only make each photo wait longer: until the overload is over, few photos may wait, and all others are rejected at once.
"""

import asyncio
import ctypes
import math
import os
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic, perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from chalicelib.errors import HTTPError, Unavailable
from chalicelib.telemetry.record import Notes

PULSE_SECONDS = 60.0  # between two beats: the shortest period of a usual CloudWatch alarm


@dataclass(slots=True)
class Pulse:
    """Counts of what happened since the last `beat`.

    `waiting`: largest number of photos that waited for a worker. `refused`: requests refused because too many were
    waiting or arriving, and connections beyond the limit. `rejected`: requests with an error of the client that did not
    reach the application, such as those for another host. `drained`: requests answered after SIGTERM. `cut_off`:
    requests that the server gave up when it ended.
    """

    waiting: int = 0
    refused: int = 0
    rejected: int = 0
    drained: int = 0
    cut_off: int = 0

    def beat(self, emit: Callable[[Notes], None]) -> None:
        """Emit the counts as metrics, which belong to no single request, and start again from zero."""
        counts: dict[str, float] = {"QueueLength": self.waiting, "QueueRefusals": self.refused}
        emit(Notes(counts | {"Rejections": self.rejected, "Drained": self.drained, "CutOff": self.cut_off}))
        self.waiting = self.refused = self.rejected = self.drained = self.cut_off = 0

    async def beat_for_ever(self, emit: Callable[[Notes], None]) -> None:
        """Beat every minute until the task is cancelled."""
        while True:
            await asyncio.sleep(PULSE_SECONDS)
            self.beat(emit)


class Refusals:
    """Requests that our limits refuse. The log gets one line a second for each limit and route, with their number.

    A log line for each request would cost more than the refusal. `log`: called with the error, the id and the route of
    the first request, and the number of requests. For one event loop.
    """

    def __init__(self, log: Callable[[HTTPError, str, str, int], None]) -> None:
        self._log = log
        self._refused: dict[tuple[str, str], tuple[HTTPError, str, int]] = {}

    def add(self, error: HTTPError, request_id: str, route: str) -> None:
        """Count a refused request, which `flush` logs within a second."""
        if not self._refused:
            asyncio.get_running_loop().call_later(1.0, self.flush)
        first, its_id, count = self._refused.get((route, error.limit), (error, request_id, 0))
        self._refused[route, error.limit] = first, its_id, count + 1

    def flush(self) -> None:
        """Log the requests refused since the last flush."""
        refused, self._refused = self._refused, {}
        for (route, _), (error, request_id, count) in refused.items():
            self._log(error, request_id, route, count)


_NEWEST = 0.1  # weight of the newest measurement in the moving average of the time per photo
_MOST_SLOWER = 4  # times the average, as which a slower photo counts: the first ones also load models
_MOST_WAITING = 64  # photos that wait in a burst, per worker
_FIRST_GUESS = 0.02  # seconds per photo, until the first photo has been measured
_CALM_SECONDS = 1.0  # an overload is over when no photo has been rejected for this long
_NICENESS = 5  # by how much the nice value of the worker threads exceeds the process's; a higher one is less urgent
_IDLE_SECONDS = 5.0  # without photos, after which free memory is returned to the system
_MAX_RETRY_SECONDS = 30  # in `Retry-After`


class Admission:
    """The queue of photos and its limits, for one event loop. Photos above a limit are rejected.

    `workers`: number of photos that are identified at the same time. `queue_seconds`: longest expected wait of a photo.
    `pulse`: records the longest queue. `service_seconds`: of one photo, until that is measured.
    """

    def __init__(
        self,
        workers: int,
        queue_seconds: float,
        pulse: Pulse | None = None,
        service_seconds: float = _FIRST_GUESS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._pulse, self._service_seconds, self._clock = pulse or Pulse(), service_seconds, clock
        self._workers, self._queue_seconds = workers, queue_seconds
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="photo", initializer=_yield_to_loop)
        self._most = workers * _MOST_WAITING
        self._few = max(1, workers // 2)  # photos that wait in an overload: enough to keep the workers busy
        self._running = 0
        self._clean_up: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._overloaded_until = 0.0
        self._refused = 0

    @property
    def is_alone(self) -> bool:
        """Return whether at most one photo is being identified."""
        return self._running <= 1

    @property
    def expected_wait(self) -> float:
        """Return how many seconds a photo would wait for a worker if it joined the queue now."""
        if self._running < self._workers:
            return 0.0
        return (len(self._waiting) + 1) * self._service_seconds / self._workers

    async def run[T](self, work: Callable[[], T], receive: Receive | None = None) -> T:
        """Run `work` on a worker thread, after the photos that are already waiting.

        Raises `Unavailable` if the queue is too long, or if an overload begins meanwhile, and `ClientDisconnect` if
        `receive` says meanwhile that the client has closed the connection.
        """
        self.check_queue()
        await self._take_worker(receive)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._timed, work)
        finally:
            self._give_worker()

    async def _take_worker(self, receive: Receive | None) -> None:
        if self._running < self._workers:
            self._running += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._pulse.waiting = max(self._pulse.waiting, len(self._waiting))
        leaving = asyncio.create_task(_leave(turn, receive)) if receive else None
        try:
            await turn  # a photo that finishes passes its worker on to this photo
        except BaseException:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled() and not turn.exception():  # its turn came just as it was cancelled
                self._give_worker()
            raise
        finally:
            if leaving:
                leaving.cancel()

    def _give_worker(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._running -= 1
        if not self._running:
            self._cancel_clean_up()
            loop = asyncio.get_running_loop()
            self._clean_up = loop.call_later(_IDLE_SECONDS, loop.run_in_executor, self._pool, return_free_memory)

    def _cancel_clean_up(self) -> None:
        if self._clean_up:
            self._clean_up.cancel()

    def check_queue(self) -> None:
        """Raise `Unavailable` if the queue is too long."""
        if self.is_full:
            raise self.refusal()

    @property
    def is_full(self) -> bool:
        """Return whether the queue is too long for another photo."""
        if self._clock() < self._overloaded_until:
            return len(self._waiting) >= self._few
        return len(self._waiting) >= self._most or self.expected_wait > self._queue_seconds

    def refusal(self) -> Unavailable:
        """Count a photo that the full queue rejects, and return its error."""
        now = self._clock()
        overloaded, self._overloaded_until = now < self._overloaded_until, now + _CALM_SECONDS
        self._refused = self._refused + 1 if overloaded else 1
        while not overloaded and len(self._waiting) > self._few:  # the newest of those that wait
            turn = self._waiting.pop()
            if not turn.done():
                self._refused += 1
                turn.set_exception(self._too_busy())
        return self._too_busy()

    def _too_busy(self) -> Unavailable:
        """Return the error for a rejected photo, with the time to identify all that the overload has rejected."""
        backlog = self._refused * self._service_seconds / self._workers
        seconds = min(max(math.ceil(backlog), 1), _MAX_RETRY_SECONDS)
        return Unavailable(f"too many photos are waiting; try again in {seconds} s", retry_after=seconds, limit="queue")

    def _timed[T](self, work: Callable[[], T]) -> T:
        started = perf_counter()
        try:
            return work()
        finally:
            average, seconds = self._service_seconds, perf_counter() - started
            seconds = min(seconds, _MOST_SLOWER * max(average, _FIRST_GUESS))
            self._service_seconds += _NEWEST * (seconds - average)

    def close(self) -> None:
        """Wait until the running photos are finished, and stop the worker threads."""
        self._cancel_clean_up()
        self._pool.shutdown()


async def _leave(turn: asyncio.Future[None], receive: Receive) -> None:
    """Wait until the client closes the connection, and end the wait for `turn`."""
    while (await receive())["type"] != "http.disconnect":
        pass
    if not turn.done():
        turn.set_exception(ClientDisconnect)


class Lane:
    """Threads for requests without a photo that wait for the same thing, so that no other requests wait behind them.

    `most`: number of requests that run or wait; further ones are rejected. For one event loop.
    """

    def __init__(self, name: str, threads: int, most: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most, self._open = most, 0

    async def run[T](self, work: Callable[[], T]) -> T:
        """Run `work` on a thread, first come, first served. Raises `Unavailable` if too many others wait."""
        if self._open >= self._most:
            raise Unavailable("too many requests are waiting; try again in a moment", retry_after=1, limit="queue")
        self._open += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._open -= 1

    def close(self) -> None:
        """Wait until the running requests are finished, and stop the threads."""
        self._pool.shutdown()


def _yield_to_loop() -> None:
    """Lower the priority of this thread, so that the event loop can keep receiving and rejecting requests."""
    if sys.platform == "linux":  # other systems have one priority per process
        os.nice(_NICENESS)  # of this thread alone


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGE, _KEPT = 4 * 2**20, 16 * 2**20
"""Size in bytes from which a block is large, and bytes that may stay free at the top of a heap. Pillow stores a large
image in blocks of 16 MB. With 1 MB instead of 4, a photo of 12 MP took 10 % more processor time."""


def return_large_blocks() -> bool:
    """Make `free` give large blocks back to the system at once. Return whether the C library can do so.

    By default, each thread's heap keeps freed blocks for reuse. After 16 PNGs of 64 MP, the process kept 518 MB; with
    this setting it keeps 1 MB (`python -m benchmarks.attacks`).
    """
    return _call("mallopt", _M_MMAP_THRESHOLD, _LARGE) and _call("mallopt", _M_TRIM_THRESHOLD, _KEPT)


def return_free_memory() -> bool:
    """Give all free memory of the heaps back to the system. Return whether there was any. Takes a few milliseconds.

    `free` does not give small blocks back. Request bodies arrive in small parts, so many clients fragment the heap.
    """
    return _call("malloc_trim", 0)


def _call(name: str, *arguments: int) -> bool:
    try:
        return bool(getattr(ctypes.CDLL(None), name)(*arguments))
    except (AttributeError, OSError, TypeError):  # another C library, as on macOS and Alpine
        return False

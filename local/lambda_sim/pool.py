"""A function's containers: one per event in progress, kept for a while after their last event.

As on Lambda, the container that worked last is used first, so that containers of a past spike go idle and end.
"""

import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from threading import Condition

from local.lambda_sim.container import Container
from local.lambda_sim.function import FunctionLimits
from local.lambda_sim.report import InvocationResult
from local.lambda_sim.sandbox import Sandbox

IDLE_TIMEOUT = 300.0
"""Seconds that an idle container is kept. Lambda keeps them for minutes and guarantees nothing."""


class Throttled(Exception):
    """All containers that the function may have are busy (Lambda's TooManyRequestsException)."""


@dataclass(eq=False)
class Pool:
    """A function's containers. Thread-safe; call `close` at the end.

    Parameters: function; sandbox, of its package; folder, for its containers' logs; write_log, receives a container's
    name and each line of the function's log; idle_timeout, seconds that an idle container is kept.
    """

    function: FunctionLimits
    sandbox: Sandbox
    folder: Path
    write_log: Callable[[str, str], object] = lambda *_: None
    _: KW_ONLY
    idle_timeout: float = IDLE_TIMEOUT

    def __post_init__(self) -> None:
        self._changed = Condition()
        self._idle: list[tuple[float, Container]] = []  # idle since when, longest first
        self._busy: set[Container] = set()
        self._numbers = count(1)
        self._closed = False

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str = "") -> InvocationResult:
        """Run the handler on an event. Raises `Throttled`."""
        container = self._acquire()
        try:
            return container.invoke(event, request_id, trace_id)
        finally:
            self._release(container)

    def reap(self) -> None:
        """End the containers whose idle timeout has passed."""
        with self._changed:
            limit = time.monotonic() - self.idle_timeout
            expired = [container for since, container in self._idle if since < limit]
            self._idle = [(since, container) for since, container in self._idle if since >= limit]
        for container in expired:
            container.end()

    def close(self) -> None:
        """End all containers; busy ones end after their event or timeout."""
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            for _, container in idle:
                container.end()
            self._changed.wait_for(lambda: not self._busy, self.function.timeout)

    def _acquire(self) -> Container:
        self.reap()
        with self._changed:
            if self._closed:
                raise Throttled
            if self._idle:
                container = self._idle.pop()[1]
            elif len(self._busy) < self.function.concurrency:
                name = f"{self.function.name}-{next(self._numbers)}"
                log = self.folder / f"{name}.log"
                container = Container(self.function, self.sandbox, name, log, partial(self.write_log, name))
            else:
                raise Throttled
            self._busy.add(container)
            return container

    def _release(self, container: Container) -> None:
        with self._changed:
            self._busy.discard(container)
            if self._closed:
                container.end()
            elif container.alive:
                self._idle.append((time.monotonic(), container))
            self._changed.notify_all()

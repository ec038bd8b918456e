"""The containers of one function: one for each event that is worked on at a time, kept a while for the next.

As on Lambda, the container that was used last is used first, so that those which a spike needed come to their end.
"""

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Condition

from local.lambda_sim.container import Container
from local.lambda_sim.function import Function
from local.lambda_sim.report import Invoked
from local.lambda_sim.sandbox import Sandbox

IDLE = 300.0
"""Seconds that a container is kept without an event; Lambda keeps them for minutes and promises none."""


class Throttled(Exception):
    """All containers that the function may have are busy (Lambda's TooManyRequestsException)."""


class Pool:
    """A function's containers. Safe for threads; use `close` at the end.

    Parameters: function; place, of its package; folder, for the logs of its containers; tell, is called with the name
    of a container and each line of the function's log; idle, seconds that a container is kept without an event.
    """

    def __init__(
        self,
        function: Function,
        place: Sandbox,
        folder: Path,
        tell: Callable[[str, str], object] = lambda *_: None,
        *,
        idle: float = IDLE,
    ) -> None:
        self.function = function
        self._place = place
        self._folder = folder
        self._tell = tell
        self._idle = idle
        self._changed = Condition()
        self._free: list[tuple[float, Container]] = []  # since when, the longest first
        self._busy: set[Container] = set()
        self._numbers = count(1)
        self._closed = False

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str = "") -> Invoked:
        """Have an event worked on. Raises `Throttled`."""
        container = self._take()
        try:
            return container.invoke(event, request_id, trace_id)
        finally:
            self._give_back(container)

    @property
    def size(self) -> int:
        """How many containers there are."""
        with self._changed:
            return len(self._free) + len(self._busy)

    def reap(self) -> None:
        """ShutdownEvent the containers that had nothing to do for too long."""
        with self._changed:
            since = time.monotonic() - self._idle
            tired = [container for begun, container in self._free if begun < since]
            self._free = [(begun, container) for begun, container in self._free if begun >= since]
        for container in tired:
            container.end()

    def close(self) -> None:
        """ShutdownEvent them all; those that work are ended when they have done so, or their time is up."""
        with self._changed:
            self._closed = True
            free, self._free = self._free, []
            for _, container in free:
                container.end()
            self._changed.wait_for(lambda: not self._busy, self.function.timeout)

    def _take(self) -> Container:
        self.reap()
        with self._changed:
            if self._closed:
                raise Throttled
            if self._free:
                container = self._free.pop()[1]
            elif len(self._busy) < self.function.concurrency:
                name = f"{self.function.name}-{next(self._numbers)}"
                log = self._folder / f"{name}.log"
                container = Container(self.function, self._place, name, log, lambda line: self._tell(name, line))
            else:
                raise Throttled
            self._busy.add(container)
            return container

    def _give_back(self, container: Container) -> None:
        with self._changed:
            self._busy.discard(container)
            if self._closed:
                container.end()
            elif container.alive:
                self._free.append((time.monotonic(), container))
            self._changed.notify_all()

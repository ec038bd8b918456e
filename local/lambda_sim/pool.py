"""The containers of one function. Each works on one event at a time, and is kept until the pool closes.

As on Lambda, a new event goes to the container that worked most recently.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from threading import Condition

from local.lambda_sim.container import Container, FunctionLimits, InvocationResult
from local.lambda_sim.sandbox import Sandbox


class Throttled(Exception):
    """All containers that the function may have are busy. Lambda calls this TooManyRequestsException."""


@dataclass(eq=False)
class Pool:
    """The containers of one function. Thread-safe. Call `close` at the end.

    `idle`: containers that wait for an event, the most recently used one last. `busy`: containers that work.
    `sandbox` contains the function's package. `folder`: for the output of the containers. `write_log` is called with
    the name of a container and a line of its log.
    """

    function: FunctionLimits
    sandbox: Sandbox
    folder: Path
    write_log: Callable[[str, str], object] = lambda *_: None

    def __post_init__(self) -> None:
        self._changed = Condition()
        self.idle: list[Container] = []
        self.busy: set[Container] = set()
        self._numbers = count(1)
        self._closed = False

    def invoke(self, event: bytes, request_id: str | None = None, trace_id: str = "") -> InvocationResult:
        """Run the function's handler on an event, in an idle container or a new one. Raises `Throttled`."""
        container = self._acquire()
        try:
            return container.invoke(event, request_id, trace_id)
        finally:
            self._release(container)

    def close(self) -> None:
        """End all containers. Wait for events in progress, but no longer than the function's timeout."""
        with self._changed:
            self._closed = True
            idle, self.idle = self.idle, []
            for container in idle:
                container.end()
            self._changed.wait_for(lambda: not self.busy, self.function.timeout)

    def _acquire(self) -> Container:
        with self._changed:
            if self._closed:
                raise Throttled
            if self.idle:
                container = self.idle.pop()
            elif len(self.busy) < self.function.concurrency:
                name = f"{self.function.name}-{next(self._numbers)}"
                log = self.folder / f"{name}.log"
                container = Container(self.function, self.sandbox, name, log, partial(self.write_log, name))
            else:
                raise Throttled
            self.busy.add(container)
            return container

    def _release(self, container: Container) -> None:
        with self._changed:
            self.busy.discard(container)
            if self._closed:
                container.end()
            elif container.alive:
                self.idle.append(container)
            self._changed.notify_all()

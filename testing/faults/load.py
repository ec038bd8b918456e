"""Containers that look up cells all the time while a test breaks or changes the servers."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from random import Random
from threading import Event
from time import monotonic
from typing import Self

from chalicelib.features.features import Features
from testing.faults.case import ContainerLookup

PACE = 0.002
"""Longest pause between two lookups of one container, seconds."""


@dataclass(frozen=True, slots=True)
class TimedLookup:
    """One lookup: its start (`time.monotonic`), its duration in seconds, its cell and its result."""

    start: float
    seconds: float
    cell: int
    features: Features


class BackgroundLoad:
    """Containers that look up random cells until the end of the block. Each has a thread and its own connections."""

    def __init__(self, variables: Mapping[str, str], cells: Sequence[int], containers: int = 6) -> None:
        self._variables, self._cells, self._containers = variables, cells, containers
        self._over = Event()
        self._threads = ThreadPoolExecutor(containers)
        self._loads: list[Future[None]] = []
        self.lookups: list[TimedLookup] = []

    def __enter__(self) -> Self:
        self._loads = [self._threads.submit(self._look_up, Random(n)) for n in range(self._containers)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._threads.shutdown()
        for load in self._loads:
            load.result()  # raises the error of a failed lookup

    def wait_for_lookups(self, number: int, since: float | None = None) -> None:
        """Wait for `number` lookups that start after this call, or after `since`."""
        since = monotonic() if since is None else since
        deadline = monotonic() + 10
        while sum(lookup.start > since for lookup in self.lookups[-10 * number :]) < number:
            assert monotonic() < deadline, f"fewer than {number} lookups in 10 s"
            assert all(load.running() for load in self._loads), "a container failed; its error follows"
            self._over.wait(0.005)

    def _look_up(self, random: Random) -> None:
        with closing(ContainerLookup(self._variables)) as container:
            while not self._over.wait(PACE * random.random()):
                cell, start = random.choice(self._cells), monotonic()
                features = container.at(cell)
                self.lookups.append(TimedLookup(start, monotonic() - start, cell, features))

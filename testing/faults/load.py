"""Containers that ask all the time, while something is done to the servers."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from random import Random
from threading import Event
from time import monotonic
from typing import Self

from chalicelib.features.features import Features
from testing.faults.case import Container

PACE = 0.002
"""Seconds between two requests of one container, at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One answer: when it was asked for (monotonic), the seconds it took, and of which cell."""

    at: float
    took: float
    cell: int
    features: Features


class Load:
    """As many containers as threads, each with its own connections, over some cells, until the end of the block."""

    def __init__(self, variables: Mapping[str, str], cells: Sequence[int], containers: int = 6) -> None:
        self._variables, self._cells, self._containers = variables, cells, containers
        self._over = Event()
        self._threads = ThreadPoolExecutor(containers)
        self._loads: list[Future[None]] = []
        self.answers: list[Asked] = []

    def __enter__(self) -> Self:
        self._loads = [self._threads.submit(self._ask, Random(n)) for n in range(self._containers)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._threads.shutdown()
        for load in self._loads:
            load.result()  # raises what a look-up raised

    def go_on(self, requests: int, since: float | None = None) -> None:
        """Wait for so many more answers to requests that begin from now (or `since`) on."""
        since = monotonic() if since is None else since
        deadline = monotonic() + 10
        while sum(asked.at > since for asked in self.answers[-10 * requests :]) < requests:
            assert monotonic() < deadline, f"fewer than {requests} answers in 10 s"
            assert all(load.running() for load in self._loads), "a container died"
            self._over.wait(0.005)

    def _ask(self, random: Random) -> None:
        with closing(Container(self._variables)) as container:
            while not self._over.wait(PACE * random.random()):
                cell, at = random.choice(self._cells), monotonic()
                features = container.at(cell)
                self.answers.append(Asked(at, monotonic() - at, cell, features))

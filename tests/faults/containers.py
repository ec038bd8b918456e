"""Containers that look up cells while a test breaks or changes the servers: once, all the time, or frozen in between.

`python -m tests.faults.containers` is a process that looks up the cells of its input, one a line.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from random import Random
from threading import Event
from time import monotonic, time
from typing import NamedTuple, Self

from chalicelib.config.features import FeaturePolicy
from chalicelib.config.settings import Settings
from chalicelib.features.cell_features import CellFeatures
from chalicelib.features.features import Features
from chalicelib.services import build_cache, build_store
from tests.support.in_memory import WallClock


class ContainerLookup:
    """The feature lookup of one Lambda container, built from environment variables as in the app.

    `clock_ahead`: seconds by which the clock of the container is ahead.
    """

    def __init__(self, variables: Mapping[str, str], clock_ahead: float = 0.0) -> None:
        settings = Settings.from_environment(variables)
        self.cache, self.store = build_cache(settings), build_store(settings)
        self.features = CellFeatures(self.cache, self.store, settings.features)
        if clock_ahead:
            clock = WallClock(lambda: time() + clock_ahead)
            self.features = CellFeatures(self.cache, self.store, FeaturePolicy(settings.features.ttl), clock)
        self.at = self.features.at

    def close(self) -> None:
        self.cache.close()
        self.store.close()


def look_up_once(variables: Mapping[str, str], cell: int) -> Features:
    with closing(ContainerLookup(variables)) as container:
        return container.at(cell)


class Reply(NamedTuple):
    """The result of a lookup. `seconds`: its duration. `opened`: the stores whose circuit breaker it opened."""

    mode: str
    cache: str
    faults: tuple[str, ...]
    seconds: float
    opened: tuple[str, ...]


class FreezingContainer:
    """A process that looks up cells. `freezes`: whether SIGSTOP freezes it after each lookup, until the next."""

    def __init__(self, variables: Mapping[str, str], *, freezes: bool) -> None:
        self._freezes = freezes
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.containers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.defpath, **variables},
        )
        self._read_line()  # it is ready
        self._freeze()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def at(self, cell: int) -> Reply:
        """Look up a cell: thaw the process, wait for its reply, freeze it."""
        if self._freezes:
            self._process.send_signal(signal.SIGCONT)
        assert self._process.stdin is not None
        self._process.stdin.write(f"{cell}\n")
        self._process.stdin.flush()
        mode, cache, faults, seconds, opened = json.loads(self._read_line())
        self._freeze()
        return Reply(mode, cache, tuple(faults), seconds, tuple(opened))

    def _freeze(self) -> None:
        if self._freezes:
            self._process.send_signal(signal.SIGSTOP)

    def _read_line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the container exited with {self._process.wait()}"
        return line


CONTAINERS = 6
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

    def __init__(self, variables: Mapping[str, str], cells: Sequence[int]) -> None:
        self._variables, self._cells = variables, cells
        self._over = Event()
        self._threads = ThreadPoolExecutor(CONTAINERS)
        self._loads: list[Future[None]] = []
        self.lookups: list[TimedLookup] = []

    def __enter__(self) -> Self:
        self._loads = [self._threads.submit(self._look_up, Random(n)) for n in range(CONTAINERS)]
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


def main() -> None:
    """Look up each cell of standard input. Print one line when ready, and one for each result."""
    import psycopg2  # noqa: F401 — so that the first lookup is not slower than the others

    with closing(ContainerLookup(os.environ)) as container:
        container.cache.prepare()  # as in the cold start
        print(flush=True)
        for line in sys.stdin:
            started = monotonic()
            features = container.at(int(line))
            seconds = monotonic() - started
            reply = Reply(features.mode, features.cache, features.faults, seconds, features.trace.opened)
            print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()

"""Processes that stand for Lambda containers and serve requests at their times, whatever the answers take."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.container import Container, Kind, Seen, together

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

SPAWN_SECONDS = 60.0
NICENESS = 5
"""Containers step back behind the servers, which in earnest run on machines of their own."""

# Not forked from us, who may have threads; from a small server that has imported everything, as a warm image has.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.load_generator", "redis", "redis.cluster", "psycopg2"])


class CrowdError(Exception):
    """A worker process ended, or was not ready in time."""


@dataclass(frozen=True, slots=True)
class Shift:
    """A container's work: it comes to life at `begin` and serves `cells` at `moments`; seconds from the start."""

    begin: float
    moments: NDArray[np.float64]
    cells: NDArray[np.int64]


def run_shifts(
    kind: Kind, shifts: Sequence[Shift], seconds: float, watch: Callable[[float, int, int], None] = lambda *_: None
) -> tuple[float, Seen]:
    """Run one process a shift; when it started (`time.monotonic`), and what was seen.

    `watch` is told every second: seconds since the start, requests and queries so far.
    """
    counts = [_CONTEXT.RawArray("q", 2) for _ in shifts]
    works = [(_work_shift, (kind, shift, count)) for shift, count in zip(shifts, counts, strict=True)]
    with _Workers(works) as workers:
        start = workers.start()
        for second in range(1, int(seconds) + 1):
            time.sleep(max(0.0, start + second - time.monotonic()))
            watch(second, sum(count[0] for count in counts), sum(count[1] for count in counts))
        return start, workers.results(seconds + SPAWN_SECONDS)


def rush(kind: Kind, cell: int, processes: int, each: int) -> tuple[float, Seen]:
    """`processes` × `each` containers, all with Redis connected, ask for one cell at one moment, once."""
    with _Workers([(_work_rush, (kind, cell, each))] * processes) as workers:
        start = workers.start()
        return start, workers.results(SPAWN_SECONDS)


class _Workers:
    """Processes that say when they are ready, start at one moment and send what they saw."""

    def __init__(self, works: Sequence[tuple[Callable[..., None], tuple[Any, ...]]]) -> None:
        self._pipes: list[Connection] = []
        self._processes = []
        for work, arguments in works:
            ours, theirs = _CONTEXT.Pipe()
            process = _CONTEXT.Process(target=work, args=(theirs, *arguments), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for process, pipe in zip(self._processes, self._pipes, strict=True):
            pipe.close()
            process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()

    def start(self) -> float:
        """Wait until all are ready, and give them the moment to start; returns it."""
        self._received(SPAWN_SECONDS)
        start = time.monotonic() + 0.2
        for pipe in self._pipes:
            pipe.send(start)
        return start

    def results(self, seconds: float) -> Seen:
        return together(self._received(seconds))

    def _received(self, seconds: float) -> list[Any]:
        until = time.monotonic() + seconds
        received = []
        for pipe in self._pipes:
            if not pipe.poll(max(0.0, until - time.monotonic())):
                raise CrowdError(f"a container was not done within {seconds:.0f} s; ask for fewer, or for less load")
            try:
                received.append(pipe.recv())
            except EOFError as error:
                raise CrowdError("a container ended early; its traceback stands above") from error
        return received


def _work_shift(pipe: "Connection", kind: Kind, shift: Shift, count: Any) -> None:
    os.nice(NICENESS)
    pipe.send("ready")
    start = pipe.recv()
    time.sleep(max(0.0, start + shift.begin - time.monotonic()))
    container = Container(kind)
    container.prepare()
    for moment, cell in zip((start + shift.moments).tolist(), shift.cells.tolist(), strict=True):
        if (wait := moment - time.monotonic()) > 0:
            time.sleep(wait)
        container.serve(cell, moment)
        count[0] += 1
        count[1] = container.asked
    pipe.send(container.close())


def _work_rush(pipe: "Connection", kind: Kind, cell: int, each: int) -> None:
    os.nice(NICENESS)
    containers = [Container(kind) for _ in range(each)]
    for container in containers:
        container.prepare()
    go, moment = Event(), 0.0

    def ask(container: Container) -> None:
        go.wait()
        container.serve(cell, moment)

    threads = [Thread(target=ask, args=(container,)) for container in containers]
    for thread in threads:
        thread.start()
    pipe.send("ready")
    moment = pipe.recv()
    time.sleep(max(0.0, moment - time.monotonic()))
    go.set()
    for thread in threads:
        thread.join()
    pipe.send(together([container.close() for container in containers]))

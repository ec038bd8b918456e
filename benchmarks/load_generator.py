"""Processes that simulate Lambda containers and serve requests on schedule, however long the answers take."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import TimeoutError as PoolTimeoutError
from multiprocessing import get_context
from threading import BrokenBarrierError, Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_container import ContainerConfig, Events, SimulatedContainer, merge

SPAWN_SECONDS = 60.0
NICENESS = 5
"""Containers yield to the servers, which run on machines of their own in production."""

# Not forked from this process, which may have threads; from a small server that has all imports, like a warm image.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.load_generator", "redis", "redis.cluster", "psycopg2"])
_barrier: Any
_counts: Any
"""Shared by the processes; `_initialise` sets them in each worker."""


class LoadGeneratorError(Exception):
    """A worker process failed, or took too long."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A container's work, in seconds from the start: it starts at `begin` and serves `cells` at `moments`."""

    begin: float
    moments: NDArray[np.float64]
    cells: NDArray[np.int64]


def run_schedules(
    config: ContainerConfig,
    schedules: Sequence[Schedule],
    seconds: float,
    report: Callable[[float, int, int], None] = lambda *_: None,
) -> tuple[float, Events]:
    """Run one process a schedule; return the start (`time.monotonic`) and the events.

    `report` is called every second with the seconds since the start and the requests and queries so far.
    """
    with _workers(_serve_schedule, [(config, *each) for each in enumerate(schedules)]) as (start, counts, events):
        for second in range(1, int(seconds) + 1):
            _sleep_until(start + second)
            report(second, sum(counts[::2]), sum(counts[1::2]))
        return start, events(seconds + SPAWN_SECONDS)


def run_burst(config: ContainerConfig, cell: int, processes: int, containers: int) -> Events:
    """Run `processes` × `containers` containers with open Redis connections; all request one cell at one moment."""
    with _workers(_serve_burst, [(config, cell, containers)] * processes) as (_, _, events):
        return events(SPAWN_SECONDS)


@contextmanager
def _workers(
    work: Callable[..., Events], arguments: Sequence[tuple[Any, ...]]
) -> Iterator[tuple[float, Any, Callable[[float], Events]]]:
    """Start a process for each tuple of arguments; yield once all are ready.

    Yields the moment of the start, two counters a process, and a call that waits for the events of all.
    """
    number = len(arguments)
    barrier, counts = _CONTEXT.Barrier(number + 1), _CONTEXT.RawArray("q", 2 * number)
    with _CONTEXT.Pool(number, _initialise, (barrier, counts)) as pool:
        results = [pool.apply_async(work, each) for each in arguments]  # the barrier leaves each process one of them

        def events(seconds: float) -> Events:
            deadline = time.monotonic() + seconds
            return merge([result.get(max(0.0, deadline - time.monotonic())) for result in results])

        try:
            barrier.wait(SPAWN_SECONDS)
            yield time.monotonic(), counts, events
        except (BrokenBarrierError, PoolTimeoutError) as error:
            raise LoadGeneratorError("a container took too long; use fewer containers or a lower rate") from error
        except Exception as error:
            raise LoadGeneratorError("a container failed; its traceback is above") from error


def _initialise(barrier: Any, counts: Any) -> None:
    """Prepare a worker process."""
    global _barrier, _counts
    os.nice(NICENESS)
    _barrier, _counts = barrier, counts


def _serve_schedule(config: ContainerConfig, number: int, schedule: Schedule) -> Events:
    _barrier.wait(SPAWN_SECONDS)
    start = time.monotonic()
    _sleep_until(start + schedule.begin)
    container = SimulatedContainer(config)
    container.connect()
    for moment, cell in zip((start + schedule.moments).tolist(), schedule.cells.tolist(), strict=True):
        _sleep_until(moment)
        container.serve(cell, moment)
        _counts[2 * number] += 1
        _counts[2 * number + 1] = container.query_count
    return container.close()


def _serve_burst(config: ContainerConfig, cell: int, number: int) -> Events:
    containers = [SimulatedContainer(config) for _ in range(number)]
    for container in containers:
        container.connect()
    go, start = Event(), 0.0

    def serve(container: SimulatedContainer) -> None:
        go.wait()
        container.serve(cell, start)

    threads = [Thread(target=serve, args=(container,)) for container in containers]
    for thread in threads:
        thread.start()
    _barrier.wait(SPAWN_SECONDS)
    start = time.monotonic()
    go.set()
    for thread in threads:
        thread.join()
    return merge([container.close() for container in containers])


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))

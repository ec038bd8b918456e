"""Processes that simulate Lambda containers and serve requests on schedule, however long the answers take."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import TimeoutError as PoolTimeoutError
from multiprocessing import get_context
from threading import BrokenBarrierError
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
"""Shared by the processes; `_initialise` sets it in each worker."""


class LoadGeneratorError(Exception):
    """A worker process failed, or took too long."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A container's work, in seconds from the start: it starts at `begin` and serves `cells` at `moments`.

    A container with a `begin` of 0 connects to Redis before the start.
    """

    begin: float
    moments: NDArray[np.float64]
    cells: NDArray[np.int64]


def run_load(
    config: ContainerConfig, schedules: Sequence[Schedule], seconds: float, *, threads: int = 1
) -> tuple[float, Events]:
    """Run a container for each schedule, `threads` containers in each process; return the start and the events."""
    groups = [schedules[first : first + threads] for first in range(0, len(schedules), threads)]
    barrier = _CONTEXT.Barrier(len(groups) + 1)
    with _CONTEXT.Pool(len(groups), _initialise, (barrier,)) as pool:
        # Each process gets one group, because it waits at the barrier for the other processes.
        results = [pool.apply_async(_serve_group, (config, group)) for group in groups]
        try:
            barrier.wait(SPAWN_SECONDS)
            start = time.monotonic()
            deadline = start + seconds + SPAWN_SECONDS
            return start, merge([result.get(max(0.0, deadline - time.monotonic())) for result in results])
        except (BrokenBarrierError, PoolTimeoutError) as error:
            raise LoadGeneratorError("a container took too long; use fewer containers or a lower rate") from error
        except Exception as error:
            raise LoadGeneratorError("a container failed; its traceback is above") from error


def _initialise(barrier: Any) -> None:
    """Prepare a worker process."""
    global _barrier
    os.nice(NICENESS)
    _barrier = barrier


def _serve_group(config: ContainerConfig, schedules: Sequence[Schedule]) -> Events:
    """Run a container for each schedule in a thread of its own."""
    containers = [SimulatedContainer(config) for _ in schedules]
    for container, schedule in zip(containers, schedules, strict=True):
        if not schedule.begin:
            container.connect()
    _barrier.wait(SPAWN_SECONDS)
    start = time.monotonic()

    def serve(container: SimulatedContainer, schedule: Schedule) -> Events:
        if schedule.begin:
            _sleep_until(start + schedule.begin)
            container.connect()
        for moment, cell in zip((start + schedule.moments).tolist(), schedule.cells.tolist(), strict=True):
            _sleep_until(moment)
            container.serve(cell, moment)
        return container.close()

    with ThreadPoolExecutor(len(schedules)) as pool:
        return merge([*pool.map(serve, containers, schedules)])


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))

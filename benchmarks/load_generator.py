"""Processes that simulate Lambda containers and send their requests at scheduled times."""

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
"""Longest time for all processes to start, and to end after the run."""
NICENESS = 5
"""Niceness of the containers. The servers get the processors first, because in production they have other machines."""

# This process may have threads and must not fork. A small server process that has all imports forks the workers.
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(["benchmarks.load_generator", "redis", "redis.cluster", "psycopg2"])
_barrier: Any
"""Shared by the processes; `_initialise` sets it in each worker."""


class LoadGeneratorError(Exception):
    """A worker process failed, or took too long."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The work of one container: it starts at `begin`, and requests each of `cells` at the matching time in `moments`.

    All times are seconds from the start of the run. A container with a `begin` of 0 connects to Redis before the run.
    """

    begin: float
    moments: NDArray[np.float64]
    cells: NDArray[np.int64]


def run_load(
    config: ContainerConfig, schedules: Sequence[Schedule], seconds: float, *, threads: int = 1
) -> tuple[float, Events]:
    """Run a container for each schedule, `threads` containers in each process; return the start time and the events."""
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
            raise LoadGeneratorError(
                "the containers did not start or end in 60 s; use fewer containers or a lower rate"
            ) from error
        except Exception as error:
            raise LoadGeneratorError("a container failed; its traceback is above") from error


def _initialise(barrier: Any) -> None:
    """Lower the priority of a worker process and store the shared barrier."""
    global _barrier
    os.nice(NICENESS)
    _barrier = barrier


def _serve_group(config: ContainerConfig, schedules: Sequence[Schedule]) -> Events:
    """Run a container for each schedule, each in a new thread; return their events."""
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

"""The figures of the comparison: a server's processor time and memory, its clients' measurements, and table rows.

Processor time and memory are those of a process and all its descendants. Memory needs Linux.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from statistics import median
from threading import Event, Thread
from typing import NamedTuple, Self

import numpy as np
import psutil

from benchmarks.peers.client import Load
from local.stack.child_process import descendants


class Figures(NamedTuple):
    """The figures of one server under one load. Times are in milliseconds, `cpu` is per request, `memory` is in MB."""

    rate: float
    p50: float
    p99: float
    cpu: float
    memory: float
    failed: float

    @classmethod
    def of(cls, load: Load, server_cpu: float, memory: float) -> Self:
        """Return a load's figures. `server_cpu`: the server's processor time, s. `memory`: its peak memory, MB."""
        p50, p99 = np.percentile(load.seconds, [50, 99]) * 1e3 if load.seconds else (np.nan, np.nan)
        cpu = server_cpu / load.answered * 1e3 if load.answered else np.nan
        return cls(load.rate, float(p50), float(p99), cpu, memory, load.failed)


HEADERS = ("requests/s", "p50", "p99", "CPU per request", "peak memory", "failed")
_UNITS = ("{:.0f}", "{:.0f} ms", "{:.0f} ms", "{:.1f} ms", "{:.0f} MB", "{:.0f}")


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure over the rounds."""
    return Figures(*(median(column) for column in zip(*runs, strict=True)))


def ratios(ours: Figures, peers: Sequence[Figures]) -> list[float]:
    """Return our figures divided by the best peer's in each column, except that of failed requests.

    The best rate is the highest, and all other best figures are the lowest. The best peers of two columns can differ.
    """
    highest = max(peer.rate for peer in peers)
    lowest = [min(column) for column in list(zip(*peers, strict=True))[1:-1]]
    return [ours.rate / highest, *(own / best for own, best in zip(ours[1:-1], lowest, strict=True))]


def rows_of(figures: Mapping[str, Figures], peers: Collection[str]) -> list[list[str]]:
    """Return a table row for each server; then a row of ratios to the best of `peers` for each other server."""
    rows = [
        [name, *(unit.format(value) for unit, value in zip(_UNITS, each, strict=True))]
        for name, each in figures.items()
    ]
    if measured := [each for name, each in figures.items() if name in peers]:
        rows += [
            [f"{name} ÷ best peer", *(f"{ratio:.2f}" for ratio in ratios(own, measured)), ""]
            for name, own in figures.items()
            if name not in peers
        ]
    return rows


def cpu_seconds(pid: int) -> float:
    """Return the processor time (s) that a process and its running descendants have taken so far."""
    return _total(pid, lambda process: sum(process.cpu_times()[:2]))  # in user mode and in the kernel


@contextmanager
def peak_memory(pid: int) -> Iterator[Callable[[], float]]:
    """Yield a function that returns the peak memory (MB) of a process and its descendants since the block began.

    It is the proportional set size, which counts a page that processes share once, sampled four times per second.
    """
    ended, highest = Event(), 0.0

    def sample() -> None:
        nonlocal highest
        while True:
            highest = max(highest, _total(pid, lambda process: process.memory_full_info().pss / 1e6))
            if ended.wait(0.25):
                return

    thread = Thread(target=sample)
    thread.start()
    try:
        yield lambda: highest
    finally:
        ended.set()
        thread.join()


def _total(pid: int, figure: Callable[[psutil.Process], float]) -> float:
    """Return the sum of a figure over a process and its descendants. Processes that have just ended count as 0."""
    total = 0.0
    for each in (pid, *descendants(pid)):
        with suppress(psutil.NoSuchProcess):
            total += figure(psutil.Process(each))
    return total

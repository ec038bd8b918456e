"""A process that reads features at a steady rate, as a serving process does, until it is told to stop."""

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import chain, cycle
from multiprocessing import get_context
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from chalicelib.config.settings import Settings
from chalicelib.errors import StoreError
from chalicelib.features.deadline import Deadline
from chalicelib.services import build_cache, build_features, build_store

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from numpy.typing import NDArray

TICK: Final = 0.01
"""Seconds from one read to the next: 50 queries and 50 lookups a second, in turns."""
HOT: Final = 95
COLD: Final = 5
"""Of 100 lookups, 95 are of the same 95 cells, which are in Redis, and 5 of cells that were not looked up before."""

TURN: Final = 2 * (HOT + COLD) * TICK
"""Seconds within which each of the hot cells is looked up."""

QUERY, LOOKUP = KINDS = ("query", "lookup")
READ: Final = np.dtype([("due", "f8"), ("waited", "f8"), ("seconds", "f8"), ("kind", "u1")])
"""One read: when it was due (`time.monotonic`, which all processes share), its wait for the read before it, its own
duration, or infinity if it failed, both in seconds, and the index of its kind in `KINDS`."""

# This process may have threads and must not fork.
_CONTEXT: Final = get_context("spawn")
_START_SECONDS: Final = 60.0


class Reader:
    """A reading process. `reads`: an array of `READ`, filled when the process has ended."""

    def __init__(self) -> None:
        self.reads: NDArray[np.void] = np.empty(0, READ)


@contextmanager
def reading(settings: Settings, cells: Sequence[int]) -> Iterator[Reader]:
    """Read features of cells in another process until the end of the block. The cells last for some minutes."""
    reader, stop = Reader(), _CONTEXT.Event()
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_read, args=(settings, cells, stop, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(_START_SECONDS), "the reading process did not start"
        ours.recv()
        yield reader
        stop.set()
        reader.reads = ours.recv()
    finally:
        process.kill()
        process.join()


@contextmanager
def busy_neighbours(number: int) -> Iterator[None]:
    """Run processes that only compute until the end of the block."""
    neighbours = [_CONTEXT.Process(target=_compute, daemon=True) for _ in range(number)]
    for each in neighbours:
        each.start()
    try:
        yield
    finally:
        for each in neighbours:
            each.kill()
            each.join()


def _compute() -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # it changes if the parent was killed
        sum(range(10_000))


def _read(settings: Settings, cells: Sequence[int], stop: Any, answer: "Connection") -> None:
    """Read until `stop` is set. Send a message after the first reads, and all reads at the end."""
    gc.disable()  # a garbage collection would slow down a read by chance
    hot, others = cells[:HOT], cells[HOT:]
    # Queries begin elsewhere than lookups, so that neither finds pages in memory that the other one has just read.
    queried = chain(others[len(others) // 2 :], cycle(others))
    looked_up = _mixed(hot, cycle(others))
    with closing(build_store(settings)) as store, closing(build_cache(settings)) as cache:
        features = build_features(settings, cache, store)

        def query() -> bool:
            try:
                return bool(store.features_of((next(queried),), Deadline.after(settings.features_total)))
            except StoreError:
                return False

        def lookup() -> bool:
            return features.at(next(looked_up)).mode != "degraded"

        for _ in range(HOT + COLD):
            query()
            lookup()
        answer.send(True)
        answer.send(np.array(_at_a_steady_rate((query, lookup), stop), READ))


def _mixed(hot: Sequence[int], others: Iterator[int]) -> Iterator[int]:
    every = HOT // COLD
    for number, cell in enumerate(cycle(hot), 1):
        yield cell
        if number % every == 0:
            yield next(others)


def _at_a_steady_rate(kinds: Sequence[Callable[[], bool]], stop: Any) -> list[tuple[float, float, float, int]]:
    reads, due, parent = [], monotonic(), os.getppid()
    while not stop.is_set() and os.getppid() == parent:
        for kind, read in enumerate(kinds):
            due += TICK
            waited = max(0.0, monotonic() - due)
            if not waited:
                sleep(max(0.0, due - monotonic()))
            start = monotonic()
            is_read = read()
            reads.append((due, waited, monotonic() - start if is_read else np.inf, kind))
    return reads

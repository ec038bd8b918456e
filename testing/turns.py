"""Tests marked `alone` run while no other worker of pytest-xdist runs a test: their limits are times."""

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait for a turn, and keep it until the end of the block. `folder`: the same for all workers of a run.

    A test that waits to be alone stays at the head of the queue, so that no other test starts meanwhile.
    """
    with (folder / "running.lock").open("w") as running, (folder / "queue.lock").open("w") as queue:
        flock(queue, LOCK_EX)
        flock(running, LOCK_EX if alone else LOCK_SH)
        flock(queue, LOCK_UN)
        try:
            yield
        finally:
            flock(running, LOCK_UN)  # closing is not enough: a forked process may have inherited the file

"""Processor time and memory of a process and all its descendants. Needs the `/proc` of Linux."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from local.stack.child_process import descendants

_TICK = os.sysconf("SC_CLK_TCK")
_SAMPLE_SECONDS = 0.25


def cpu_seconds(pid: int) -> float:
    """Return the processor time that the running processes of a tree have taken so far."""
    return sum(_ticks(each) for each in (pid, *descendants(pid))) / _TICK


def _ticks(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])  # in user mode and in the kernel, see proc(5)
    return 0


@contextmanager
def peak_memory(pid: int) -> Iterator[Callable[[], float]]:
    """Yield a function that returns the highest memory of a tree in the block, MB.

    The memory is the proportional set size, which counts a page that processes share only once. It is sampled four
    times per second.
    """
    ended, highest = Event(), 0.0
    tree = (pid, *descendants(pid))

    def sample() -> None:
        nonlocal highest
        while True:
            highest = max(highest, sum(map(_proportional_megabytes, tree)))
            if ended.wait(_SAMPLE_SECONDS):
                return

    thread = Thread(target=sample)
    thread.start()
    try:
        yield lambda: highest
    finally:
        ended.set()
        thread.join()


def _proportional_megabytes(pid: int) -> float:
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0

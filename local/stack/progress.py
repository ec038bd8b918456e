"""Progress of slow steps, on the terminal or in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

START_LINE_AFTER = 0.5
"""Seconds after which a line says that a step is running."""
TICK = 0.1


class ProgressLine:
    """A running step. `result` is printed when the step ends; None prints nothing."""

    result: str | None = "done"


@contextmanager
def step(name: str, action: str, started: float | None = None) -> Iterator[ProgressLine]:
    """Print the result and the duration of a step when it ends, unless it raises an exception.

    While the step runs, a terminal shows the elapsed seconds. A file gets one line if the step takes longer than
    `START_LINE_AFTER`. `started`: time at which the step began (`time.monotonic`), if it began earlier.
    """
    began = time.monotonic() if started is None else started
    ended, running = Event(), ProgressLine()
    thread = Thread(target=_show, args=(name, action, began, ended), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        ended.set()
        thread.join()
    if running.result is not None:
        print(f"{name:<12} {running.result:<44} {time.monotonic() - began:5.1f} s", flush=True)


def _show(name: str, action: str, began: float, ended: Event) -> None:
    if ended.wait(START_LINE_AFTER):
        return
    line = f"{name:<12} {action} …"
    if not sys.stdout.isatty():
        print(line, flush=True)
        return
    while not ended.wait(TICK):
        print(f"\r{line:<57} {time.monotonic() - began:5.1f} s", end="", flush=True)
    print("\r\033[K", end="", flush=True)  # the result takes its place

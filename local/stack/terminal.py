"""The terminal of a local run: it shows the progress of slow steps, and sends requests for a shutdown."""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Self

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn


class ProgressLine:
    """A running step. `result` is printed when the step ends; None prints nothing."""

    result: str | None = "done"


@contextmanager
def step(name: str, action: str, started: float | None = None) -> Iterator[ProgressLine]:
    """Print the result and the duration of a step when it ends, unless it raises an exception.

    While the step runs, a terminal shows the elapsed time, and a file gets one line. `started`: time at which the step
    began (`time.monotonic`), if it began earlier.
    """
    began, running, line = started or time.monotonic(), ProgressLine(), f"{name:<12} {action} …"
    console = Console()
    if not console.is_terminal:
        print(line, flush=True)
    columns = TextColumn(line), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        shown.add_task("")
        yield running
    if running.result is not None:
        print(f"{name:<12} {running.result:<44} {time.monotonic() - began:5.1f} s", flush=True)


class ShutdownEvent:
    """An event like threading.Event, but without a lock, so that signal handlers may call `set`."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    @classmethod
    def on_signals(cls) -> Self:
        """Return an event that is set by Ctrl-C, by `kill`, or when the terminal closes."""
        event = cls()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: event.set())
        return event

    def set(self) -> None:
        """Request the shutdown."""
        os.write(self._write, b".")

    def is_set(self) -> bool:
        """Return whether the shutdown was requested."""
        return self.wait(0)

    def wait(self, timeout: float) -> bool:
        """Wait until the event is set, at most `timeout` seconds. Return whether it is set."""
        return bool(select.select([self._read], [], [], timeout)[0])

    def set_when_parent_exits(self, parent: int) -> None:
        """Set the event when the parent process has exited or is handling an interrupt. `parent`: its process id.

        The parent is usually `make`, which does not forward signals. After SIGINT, `make` waits for this process.
        """

        def watch() -> None:
            while os.getppid() == parent and not _interrupted(parent):
                time.sleep(0.25)
            self.set()

        Thread(target=watch, daemon=True).start()


def _interrupted(pid: int) -> bool:
    """Return whether a process blocks SIGINT or SIGHUP, as it does while it handles the signal. Linux only."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    blocked = int(status.partition("SigBlk:")[2].split()[0], 16)
    return any(blocked & 1 << number - 1 for number in (signal.SIGINT, signal.SIGHUP))

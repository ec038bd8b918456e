"""Show on standard error which task is running, how much of it is done, and how long it took."""

import sys
import time
from typing import Self, TextIO

_INTERVAL = 0.2
"""Seconds between updates on a terminal."""


class Progress:
    """Shows a task and the share that is done. A terminal shows one line that changes; a log file gets two lines."""

    def __init__(self, task: str, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self.begin(task)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def begin(self, task: str) -> None:
        """Start the next task."""
        self._task, self._started, self._updated, self._open = task, time.monotonic(), 0.0, True
        self._write(f"{task} …", "" if self._is_terminal else "\n")

    def update(self, share: float) -> None:
        """Show the share of the task that is done, 0 to 1."""
        now = time.monotonic()
        if self._is_terminal and now - self._updated > _INTERVAL:
            self._updated = now
            self._write(f"\r{self._task} … {share:4.0%}", "")

    def end(self) -> None:
        """Show the time that the task took."""
        if self._open:
            self._open = False
            start = "\r" if self._is_terminal else ""
            self._write(f"{start}{self._task}: {time.monotonic() - self._started:.1f} s", "\n")

    def _write(self, text: str, end: str) -> None:
        print(text, end=end, file=self._stream, flush=True)

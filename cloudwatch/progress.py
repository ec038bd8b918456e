"""A progress line on standard error for what takes more than a moment."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_INTERVAL = 0.2  # seconds between updates


class Progress:
    """Shows the progress of a task on one line; if the stream is no terminal, only that the task has ended."""

    def __init__(self, task: str, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._is_terminal = self._stream.isatty()
        self._updated = 0.0
        self.begin(task)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, task: str) -> None:
        """Start the next task, after `end`."""
        self._task, self._started, self._is_open = task, time.monotonic(), True

    def update(self, share: float) -> None:
        """Show the share that is done, 0 to 1."""
        now = time.monotonic()
        if self._is_terminal and now - self._updated > _INTERVAL:
            self._updated = now
            print(f"\r{self._task} … {share:4.0%}", end="", file=self._stream, flush=True)

    def end(self) -> None:
        """Show that the task has ended, and how long it took."""
        if self._is_open:
            self._is_open = False
            start = "\r" if self._is_terminal else ""
            print(f"{start}{self._task}: {time.monotonic() - self._started:.1f} s", file=self._stream, flush=True)

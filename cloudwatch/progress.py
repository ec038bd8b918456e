"""A line on standard error about what takes more than a moment."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_EVERY = 0.2


class Progress:
    """Tells on one line how far something is; on no terminal, only when it has ended."""

    def __init__(self, what: str, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._moves = self._stream.isatty()
        self._told = 0.0
        self.begin(what)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, what: str) -> None:
        """The next thing; what went before has ended."""
        self._what, self._started, self._open = what, time.monotonic(), True

    def tell(self, share: float) -> None:
        """How far it is, 0 to 1."""
        now = time.monotonic()
        if self._moves and now - self._told > _EVERY:
            self._told = now
            print(f"\r{self._what} … {share:4.0%}", end="", file=self._stream, flush=True)

    def end(self) -> None:
        """It has ended."""
        if self._open:
            self._open = False
            start = "\r" if self._moves else ""
            print(f"{start}{self._what}: {time.monotonic() - self._started:.1f} s", file=self._stream, flush=True)

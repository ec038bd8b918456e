"""Where a preview's lines come from: a file that grows or lies still, read as far as it goes when somebody looks."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from cloudwatch.preview.series import Store
from cloudwatch.preview.tail import Tail

_TIMESTAMP = re.compile(rb'("_aws":\s*\{\s*"Timestamp":\s*)(\d+)')
_MOMENT = 60.0
"""Seconds to which the end of a recording is rounded up, the shortest period of most graphs."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time, in seconds since 1970."""

    start: float
    end: float


class Recording:
    """A file of recorded lines, and the store that they are read into.

    `live`: time goes on, so that what is shown ends now; otherwise it ends with the last line. `stretch`: time
    distances since the first line are this many times longer than recorded, so that an outage of 3 s can be looked at
    as one of a minute. `begin`: what was before it (seconds since 1970) is not shown. `told`: what people are told it
    is.
    """

    def __init__(
        self,
        path: Path,
        told: str,
        *,
        live: bool = False,
        stretch: float = 1.0,
        begin: float = 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.told = told
        self.live = live
        self.store = Store()
        self._tail = Tail(path)
        self._stretch = stretch
        self._begin = begin
        self._now = now
        self._first: float | None = None
        self._lines = 0
        self._lock = Lock()

    def read_on(self) -> int:
        """Read what has been written since the last time; returns how many lines of metrics there are so far."""
        with self._lock:
            for line in self._tail.new():
                self._lines += self.store.add(line if self._stretch == 1.0 else self._stretched(line))
            return self._lines

    def close(self) -> None:
        """Let go of the file; what was read stays."""
        self._tail.close()

    def span(self) -> Span:
        """From the first line to the last, or to now; a quarter of an hour up to now if there is none yet."""
        held = self.store.span()
        now = self._moved(self._now() * 1e3) / 1e3
        if held is None:
            return Span(now - 900, now)
        start, last = held
        return Span(max(start, self._begin), now if self.live else (last // _MOMENT + 1) * _MOMENT)

    def _stretched(self, line: bytes) -> bytes:
        return _TIMESTAMP.sub(lambda match: b"%s%d" % (match[1], round(self._moved(int(match[2])))), line, count=1)

    def _moved(self, moment: float) -> float:
        """Where a moment (milliseconds) comes to lie."""
        if self._stretch == 1.0:
            return moment
        if self._first is None:
            self._first = moment
        return self._first + (moment - self._first) * self._stretch

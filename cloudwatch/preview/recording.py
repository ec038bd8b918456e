"""Read the metric lines of a file that may still grow."""

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from io import FileIO
from pathlib import Path

from cloudwatch.math.metric_store import MetricStore

_TIMESTAMP = re.compile(rb'("_aws":\s*\{\s*"Timestamp":\s*)(\d+)')
_MINUTE = 60.0
_CHUNK = 1 << 20  # bytes per read of the file
_BEFORE_ANY_LINE = 900.0
"""Length of the time that an empty recording shows, in seconds."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time range in seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident that begins at `at`. Its link shows the time up to `until`. Both are in seconds since 1970."""

    at: float
    title: str
    until: float


@dataclass(eq=False)
class Recording:
    """A file of recorded log lines, and the store of the metrics that were read from it."""

    path: Path
    description: str
    """Text that the page shows as the source."""
    _: KW_ONLY
    live: bool = False
    """Show time up to now instead of up to the last line."""
    stretch: float = 1.0
    """Factor on the time since the first line: 20 turns an outage of 3 s into one of a minute."""
    begin: float = 0.0
    """Start of the shown time, in seconds since 1970. Alarms and metrics still use earlier data."""
    incidents: Sequence[Incident] = ()
    """Times that the page offers as links."""
    opening: float | None = None
    """End of the time that a page shows first, in seconds since 1970."""
    now: Callable[[], float] = time.time
    store: MetricStore = field(init=False, default_factory=MetricStore)

    def __post_init__(self) -> None:
        if self.stretch != 1.0:
            self.description += f", stretched {self.stretch:g} times"
        self._tail = Tail(self.path)
        self._first: float | None = None
        self._lines = 0

    def read_new_lines(self) -> int:
        """Read the lines added since the last call. Return the number of metric lines that have been read in total."""
        for line in self._tail.read_lines():
            self._lines += self.store.add(line if self.stretch == 1.0 else self._stretch_line(line))
        return self._lines

    def close(self) -> None:
        """Close the file. The metrics stay in the store."""
        self._tail.close()

    def span(self) -> Span:
        """Return the recorded time range, or the last 15 minutes if there are no lines. If live, the range ends now."""
        recorded = self.store.span()
        now = self._stretched(self.now() * 1e3) / 1e3
        if recorded is None:
            return Span(now - _BEFORE_ANY_LINE, now)
        start, last = recorded
        return Span(max(start, self.begin), now if self.live else (last // _MINUTE + 1) * _MINUTE)

    def _stretch_line(self, line: bytes) -> bytes:
        return _TIMESTAMP.sub(lambda match: b"%s%d" % (match[1], round(self._stretched(int(match[2])))), line, count=1)

    def _stretched(self, milliseconds: float) -> float:
        """Return a time after stretching, which multiplies its distance from the first line by `stretch`."""
        if self.stretch == 1.0:
            return milliseconds
        if self._first is None:
            self._first = milliseconds
        return self._first + (milliseconds - self._first) * self.stretch


class Tail:
    """Reads a file to which another process appends. The file may be missing at first, truncated or replaced.

    Limit: if a file is truncated and then grows beyond the last position before the next read, the truncation goes
    unnoticed.
    """

    def __init__(self, path: Path, chunk: int = _CHUNK) -> None:
        self._path = path
        self._chunk = chunk
        self._file: FileIO | None = None
        self._unfinished = b""

    def read_lines(self) -> Iterator[bytes]:
        """Yield the complete lines since the last call, without line endings. The caller must consume all lines."""
        if self._file is not None and self._replaced(self._file):
            yield from self._lines(self._file)
            self.close()
        if self._file is None:
            try:
                self._file = FileIO(self._path)
            except FileNotFoundError:
                return
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)
            self._unfinished = b""
        yield from self._lines(self._file)

    def close(self) -> None:
        """Close the file. The next read starts at its beginning."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._unfinished = b""

    def _lines(self, file: FileIO) -> Iterator[bytes]:
        while chunk := file.read(self._chunk):
            *lines, self._unfinished = (self._unfinished + chunk).split(b"\n")
            yield from lines

    def _replaced(self, file: FileIO) -> bool:
        """Return True if the path names a new file. A deleted file is not replaced: a process may still write to it."""
        try:
            return not os.path.samestat(os.fstat(file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

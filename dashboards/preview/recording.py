"""Read the metric lines of a file that may still grow."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import NamedTuple

from dashboards.series import MetricStore
from dashboards.simulation.schedule import Incident

_BEFORE_ANY_LINE = 900.0
"""Length of the time that an empty recording shows, in seconds."""


class Span(NamedTuple):
    """A time range in seconds since 1970."""

    start: float
    end: float


@dataclass(eq=False)
class Recording:
    """Recorded log lines, and the store of their metrics. `path`: their file; None if they are only added.

    `description`: what the page shows as the source. `live`: show time up to now instead of up to the last line.
    `begin`: start of the shown time; alarms and metrics still use earlier data. `incidents`: times that the page offers
    as links. `opening`: end of the time that a page shows first. Times are in seconds since 1970.
    """

    path: Path | None
    description: str
    _: KW_ONLY
    live: bool = False
    begin: float = 0.0
    incidents: Sequence[Incident] = ()
    opening: float | None = None
    now: Callable[[], float] = time.time
    store: MetricStore = field(init=False, default_factory=MetricStore)

    def __post_init__(self) -> None:
        self._inode = self._place = self._lines = 0

    def read_new_lines(self) -> int:
        """Read the lines added since the last call. Return the number of metric lines that have been read in total.

        The file may not exist yet, may have been replaced, and may have been renamed to NAME.1, as `make run` does.
        """
        for path in (self.path.with_name(f"{self.path.name}.1"), self.path) if self.path else ():
            with suppress(FileNotFoundError), path.open("rb") as file:
                status = os.fstat(file.fileno())
                goes_on = status.st_ino == self._inode and status.st_size >= self._place
                if goes_on or path == self.path:
                    self._inode, self._place = status.st_ino, file.seek(self._place if goes_on else 0)
                    for line in file:
                        if line.endswith(b"\n"):  # otherwise its process is still writing it
                            self._place += len(line)
                            self.add(line)
        return self._lines

    def add(self, line: str | bytes) -> None:
        """Add a log line."""
        self._lines += self.store.add(line)

    def span(self) -> Span:
        """Return the recorded time range, or the last 15 minutes without any lines. A live recording ends now."""
        now = self.now()
        start, last = self.store.span() or (now - _BEFORE_ANY_LINE, now)
        is_live = self.live or not len(self.store)
        return Span(max(start, self.begin), now if is_live else (last // 60 + 1) * 60)

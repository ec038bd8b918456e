"""How far a load is: a bar on a terminal, and a line every ten seconds elsewhere."""

import sys
from collections.abc import Callable
from time import perf_counter
from typing import Final, TextIO

_WIDTH: Final = 30
_PAUSE: Final = 10.0  # seconds between two lines
_CLEAR: Final = "\r\x1b[K"


class Progress:
    """The progress of one table. `report`: prints a line. `terminal`: where the bar is drawn, if it is a terminal."""

    def __init__(
        self,
        what: str,
        report: Callable[[str], None],
        terminal: TextIO = sys.stderr,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._what, self._report, self._terminal, self._clock = what, report, terminal, clock
        self._started = self._shown = clock()

    def show(self, share: float | None, rows: int) -> None:
        """Show how far the table is. `share`: of its bytes or rows, 0 to 1; None if its size is unknown."""
        now = self._clock()
        seconds = now - self._started
        text = f"{rows:,} rows, {rows / max(seconds, 1e-3):,.0f} a second"
        if share:
            text = f"{share:.0%}, {text}, {_minutes(seconds / share - seconds)} left"
        if self._terminal.isatty():
            done = round(_WIDTH * (share or 0))
            self._terminal.write(f"{_CLEAR}[{'█' * done}{'·' * (_WIDTH - done)}] {text}")
            self._terminal.flush()
        elif now - self._shown >= _PAUSE:
            self._shown = now
            self._report(f"           {self._what}: {text}")

    def end(self) -> float:
        """Remove the bar. Return the seconds since the start."""
        if self._terminal.isatty():
            self._terminal.write(_CLEAR)
            self._terminal.flush()
        return self._clock() - self._started


def _minutes(seconds: float) -> str:
    minutes, rest = divmod(round(max(seconds, 0.0)), 60)
    return f"{minutes}:{rest:02} min" if minutes else f"{rest} s"

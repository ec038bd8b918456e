"""Every sample of one metric, cheap to add to while others read."""

from collections import OrderedDict
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from cloudwatch.preview.periods import Floats, Grid, Integers, Periods
from cloudwatch.syntax.statistic import Statistic, parse_statistic

_CACHED = 6  # cuts in periods that are remembered a metric: dashboards and alarms ask for the same few


class Samples:
    """Every sample of one metric. Made and filled by a `Store`, whose lock it shares."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._times: Integers = np.empty(0, dtype=np.int64)
        self._values: Floats = np.empty(0)
        self._counts: Floats | None = None
        self._size = 0
        self._new_times: list[int] = []
        self._new_values: list[float] = []
        self._new_counts: list[float] | None = None
        self._cuts: OrderedDict[Grid, Periods] = OrderedDict()
        self._running: tuple[Floats, ...] | None = None

    def __len__(self) -> int:
        return self._size + len(self._new_times)

    def stat(self, stat: str, start: float, end: float, period: int) -> Floats:
        """One value for each period of `Grid.covering(start, end, period)`; NaN where there is no data.

        `start` and `end` are in seconds since 1970, `period` in seconds.

        Raises:
            StatisticError: no statistic has this name.
        """
        return self.on(Grid.covering(start, end, period), parse_statistic(stat))

    def on(self, grid: Grid, wanted: Statistic) -> Floats:
        """One value for each period of a grid; NaN where there is no data."""
        if grid.lag == 1:
            return self._periods(grid).statistic(wanted)
        if wanted.kind in ("Sum", "SampleCount", "Average"):
            return self._overlapping(grid, wanted.kind)
        values = np.full(grid.number, np.nan)
        for phase, part in enumerate(grid.phases()):
            values[phase :: grid.lag] = self._periods(part).statistic(wanted)
        return values

    def _periods(self, grid: Grid) -> Periods:
        with self._lock:
            self._settle()
            cut = self._cuts.get(grid)
            if cut is None:
                counts = None if self._counts is None else self._counts[: self._size]
                cut = Periods(self._times[: self._size], self._values[: self._size], counts, grid)
                self._cuts[grid] = cut
                if len(self._cuts) > _CACHED:
                    self._cuts.popitem(last=False)
            else:
                self._cuts.move_to_end(grid)
            return cut

    def _overlapping(self, grid: Grid, kind: str) -> Floats:
        """Sums and counts of overlapping periods, from running ones: no sample is touched once a period."""
        with self._lock:
            self._settle()
            if self._running is None:
                values = self._values[: self._size]
                counts = np.ones(self._size) if self._counts is None else self._counts[: self._size]
                self._running = tuple(np.concatenate(([0.0], np.cumsum(each))) for each in (values * counts, counts))
            times, (sums, numbers) = self._times[: self._size], self._running
        begins = grid.begins * 1000
        first, last = np.searchsorted(times, begins), np.searchsorted(times, begins + grid.period * 1000)
        number = np.where(last > first, numbers[last] - numbers[first], np.nan)
        if kind == "SampleCount":
            return number
        total = np.where(last > first, sums[last] - sums[first], np.nan)
        return total if kind == "Sum" else total / number

    def times(self) -> Integers:
        """When each sample was taken, ascending, in milliseconds since 1970."""
        with self._lock:
            self._settle()
            return self._times[: self._size]

    def append(self, time: int, value: float) -> None:
        """One more sample, `time` in milliseconds; the store's lock is held."""
        self._new_times.append(time)
        self._new_values.append(value)
        if self._new_counts is not None:
            self._new_counts.append(1.0)

    def append_counted(self, time: int, values: list[float], counts: list[float]) -> None:
        """Values with how often each was seen; the store's lock is held."""
        if self._new_counts is None:
            self._new_counts = [1.0] * len(self._new_times)
        self._new_times.extend([time] * len(values))
        self._new_values.extend(values)
        self._new_counts.extend(counts)

    def drop_before(self, time: int) -> None:
        """Forget older samples; the store's lock is held."""
        self._settle()
        first = int(np.searchsorted(self._times[: self._size], time))
        if first:
            self._times = self._times[first : self._size].copy()
            self._values = self._values[first : self._size].copy()
            self._counts = None if self._counts is None else self._counts[first : self._size].copy()
            self._size -= first
            self._forget()

    def _forget(self) -> None:
        """What was calculated from the arrays holds no longer."""
        self._cuts.clear()
        self._running = None

    def _settle(self) -> None:
        """Move new samples into the arrays, in the order of time.

        Arrays are written past their used part only, or replaced: whoever holds a view of the used part is safe.
        """
        added = len(self._new_times)
        if not added:
            return
        self._forget()
        self._grow(self._size + added)
        used = slice(self._size, self._size + added)
        self._times[used] = self._new_times
        self._values[used] = self._new_values
        if self._counts is not None:
            self._counts[used] = 1.0 if self._new_counts is None else self._new_counts
        times = self._times[max(0, self._size - 1) : self._size + added]
        self._size += added
        self._new_times, self._new_values, self._new_counts = [], [], None
        if (times[1:] < times[:-1]).any():
            order = np.argsort(self._times[: self._size], kind="stable")
            self._times = self._times[order]
            self._values = self._values[order]
            self._counts = None if self._counts is None else self._counts[order]

    def _grow(self, size: int) -> None:
        """Room for `size` samples, and for their counts if there are any."""
        if self._counts is None and self._new_counts is not None:
            self._counts = np.ones(len(self._times))
        if size > len(self._times):
            room = max(size, 2 * len(self._times), 64)
            self._times = _with_room(self._times, room)
            self._values = _with_room(self._values, room)
            self._counts = None if self._counts is None else _with_room(self._counts, room)


def _with_room[T: np.generic](array: NDArray[T], room: int) -> NDArray[T]:
    larger = np.empty(room, dtype=array.dtype)
    larger[: len(array)] = array
    return larger

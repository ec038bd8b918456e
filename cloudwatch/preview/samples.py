"""All samples of one metric: cheap to append to, and safe to read from another thread."""

from threading import RLock

import numpy as np

from cloudwatch.preview.periods import Floats, Grid, Integers, Periods
from cloudwatch.syntax.statistic import Statistic

_CACHED_GRIDS = 6  # dashboards and alarms ask for the same few grids


class Samples:
    """All samples of one metric. A `MetricStore` makes and fills it and shares its lock.

    The arrays are replaced, never changed, so a reader keeps what it has got.
    """

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._times: Integers = np.empty(0, dtype=np.int64)
        self._values: Floats = np.empty(0)
        self._counts: Floats | None = None
        self._new: list[float] = []  # time, value, count of each new sample
        self._periods_by_grid: dict[Grid, Periods] = {}
        self._cumulative: tuple[Floats, ...] | None = None

    def __len__(self) -> int:
        return len(self._times) + len(self._new) // 3

    def on_grid(self, grid: Grid, wanted: Statistic) -> Floats:
        """Return one value for each period of a grid; NaN where there are no data."""
        if grid.lag == 1:
            return self._periods(grid).statistic(wanted)
        if wanted.kind in ("Sum", "SampleCount", "Average"):
            return self._overlapping(grid, wanted.kind)
        values = np.full(grid.number, np.nan)
        for phase, part in enumerate(grid.phases()):
            values[phase :: grid.lag] = self._periods(part).statistic(wanted)
        return values

    def times(self) -> Integers:
        """Return the time of each sample in milliseconds since 1970, ascending."""
        with self._lock:
            self._merge()
            return self._times

    def append(self, time: int, value: float, count: float = 1.0) -> None:
        """Add a value that occurred `count` times, `time` in milliseconds. The caller holds the store's lock."""
        self._new += (time, value, count)

    def drop_before(self, time: int) -> None:
        """Drop older samples. The caller holds the store's lock."""
        self._merge()
        first = int(np.searchsorted(self._times, time))
        if first:
            self._times, self._values = self._times[first:].copy(), self._values[first:].copy()
            self._counts = None if self._counts is None else self._counts[first:].copy()
            self._clear_caches()

    def _periods(self, grid: Grid) -> Periods:
        with self._lock:
            self._merge()
            periods = self._periods_by_grid.pop(grid, None) or Periods(self._times, self._values, self._counts, grid)
            self._periods_by_grid[grid] = periods  # the last used one is last
            if len(self._periods_by_grid) > _CACHED_GRIDS:
                del self._periods_by_grid[next(iter(self._periods_by_grid))]
            return periods

    def _overlapping(self, grid: Grid, kind: str) -> Floats:
        """Compute sums and counts of overlapping periods from cumulative ones, reading each sample once."""
        with self._lock:
            self._merge()
            if self._cumulative is None:
                counts = np.ones(len(self._times)) if self._counts is None else self._counts
                columns = (self._values * counts, counts)
                self._cumulative = tuple(np.concatenate(([0.0], np.cumsum(each))) for each in columns)
            times, (sums, numbers) = self._times, self._cumulative
        begins = grid.begins * 1000
        first, last = np.searchsorted(times, begins), np.searchsorted(times, begins + grid.period * 1000)
        number = np.where(last > first, numbers[last] - numbers[first], np.nan)
        if kind == "SampleCount":
            return number
        total = np.where(last > first, sums[last] - sums[first], np.nan)
        return total if kind == "Sum" else total / number

    def _merge(self) -> None:
        """Move new samples into the arrays, ordered by time."""
        if not self._new:
            return
        self._clear_caches()
        times, values, counts = np.array(self._new, dtype=np.float64).reshape(-1, 3).T  # exact: times are below 2 ** 53
        self._new = []
        if self._counts is not None or (counts != 1).any():
            old = np.ones(len(self._times)) if self._counts is None else self._counts
            self._counts = np.concatenate((old, counts))
        self._times = np.concatenate((self._times, times.astype(np.int64)))
        self._values = np.concatenate((self._values, values))
        if (np.diff(self._times[-len(times) - 1 :]) < 0).any():
            order = np.argsort(self._times, kind="stable")
            self._times, self._values = self._times[order], self._values[order]
            self._counts = None if self._counts is None else self._counts[order]

    def _clear_caches(self) -> None:
        self._periods_by_grid.clear()
        self._cumulative = None

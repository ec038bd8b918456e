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
        self._new_times: list[int] = []
        self._new_values: list[float] = []
        self._new_counts: list[float] | None = None
        self._periods_by_grid: dict[Grid, Periods] = {}
        self._cumulative: tuple[Floats, ...] | None = None

    def __len__(self) -> int:
        return len(self._times) + len(self._new_times)

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

    def append(self, time: int, value: float) -> None:
        """Add a sample, `time` in milliseconds. The caller holds the store's lock."""
        self._new_times.append(time)
        self._new_values.append(value)
        if self._new_counts is not None:
            self._new_counts.append(1.0)

    def append_counted(self, time: int, values: list[float], counts: list[float]) -> None:
        """Add values and how often each occurred. The caller holds the store's lock."""
        if self._new_counts is None:
            self._new_counts = [1.0] * len(self._new_times)
        self._new_times.extend([time] * len(values))
        self._new_values.extend(values)
        self._new_counts.extend(counts)

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
        if not self._new_times:
            return
        self._clear_caches()
        if self._counts is not None or self._new_counts is not None:
            old = np.ones(len(self._times)) if self._counts is None else self._counts
            new = np.ones(len(self._new_times)) if self._new_counts is None else np.array(self._new_counts)
            self._counts = np.concatenate((old, new))
        last = self._times[-1:]
        new_times = np.array(self._new_times, dtype=np.int64)
        self._times = np.concatenate((self._times, new_times))
        self._values = np.concatenate((self._values, np.array(self._new_values, dtype=np.float64)))
        self._new_times, self._new_values, self._new_counts = [], [], None
        if (np.diff(np.concatenate((last, new_times))) < 0).any():
            order = np.argsort(self._times, kind="stable")
            self._times, self._values = self._times[order], self._values[order]
            self._counts = None if self._counts is None else self._counts[order]

    def _clear_caches(self) -> None:
        self._periods_by_grid.clear()
        self._cumulative = None

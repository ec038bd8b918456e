"""Every sample of one metric, cheap to add to while others read."""

from collections import OrderedDict
from threading import RLock

import numpy as np
from numpy.typing import NDArray

from dashboards import statistic
from dashboards.preview.periods import Floats, Integers, Periods, starts

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
        self._cuts: OrderedDict[tuple[int, int, int], Periods] = OrderedDict()

    def __len__(self) -> int:
        return self._size + len(self._new_times)

    def stat(self, stat: str, start: float, end: float, period: int) -> Floats:
        """One value for each of `periods.starts(start, end, period)`; NaN where there is no data.

        `start` and `end` are in seconds since 1970, `period` in seconds.

        Raises:
            StatisticError: no statistic has this name.
        """
        return self.periods(start, end, period).statistic(statistic.read(stat))

    def periods(self, start: float, end: float, period: int) -> Periods:
        """The samples from the period that `start` is in until `end`, cut in periods."""
        begins = starts(start, end, period)
        key = (int(begins[0]) if len(begins) else 0, len(begins), period)
        with self._lock:
            self._settle()
            cut = self._cuts.get(key)
            if cut is None:
                counts = None if self._counts is None else self._counts[: self._size]
                cut = Periods(self._times[: self._size], self._values[: self._size], counts, begins, period)
                self._cuts[key] = cut
                if len(self._cuts) > _CACHED:
                    self._cuts.popitem(last=False)
            else:
                self._cuts.move_to_end(key)
            return cut

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
            self._cuts.clear()

    def _settle(self) -> None:
        """Move new samples into the arrays, in the order of time.

        Arrays are written past their used part only, or replaced: whoever holds a view of the used part is safe.
        """
        added = len(self._new_times)
        if not added:
            return
        self._cuts.clear()
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

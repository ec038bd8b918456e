"""Store the samples of one metric."""

import numpy as np

from cloudwatch.preview.periods import Floats, Grid, aggregate
from cloudwatch.syntax.statistic import Statistic


class Samples:
    """The samples of one metric. They can be added in any order."""

    def __init__(self) -> None:
        self._columns: Floats = np.empty((3, 0))
        self._new: list[float] = []

    def __len__(self) -> int:
        return len(self._columns[0]) + len(self._new) // 3

    def on_grid(self, grid: Grid, statistic: Statistic) -> Floats:
        """Return a statistic for each period of a grid. NaN marks a period without data."""
        return aggregate(self.columns(), grid, statistic)

    def columns(self) -> Floats:
        """Return three rows: the time (milliseconds since 1970, ascending), the value and the count of each sample."""
        if self._new:
            new = np.array(self._new, dtype=np.float64).reshape(-1, 3).T  # exact: times are below 2 ** 53
            columns = np.hstack((self._columns, new))
            self._columns, self._new = columns[:, np.argsort(columns[0], kind="stable")], []
        return self._columns

    def append(self, time: int, value: float, count: float = 1.0) -> None:
        """Add a value that occurred `count` times at `time` (milliseconds since 1970)."""
        self._new += (time, value, count)

    def drop_before(self, time: float) -> None:
        """Drop samples older than `time` (milliseconds since 1970)."""
        columns = self.columns()
        self._columns = columns[:, columns[0] >= time]

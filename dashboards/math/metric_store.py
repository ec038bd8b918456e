"""Store the metrics from log lines as samples.

A line is a JSON object in the embedded metric format of CloudWatch Logs. Its member `_aws` names the members that are
metrics, their namespace and their sets of dimensions.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

from dashboards.math.series import Floats, Grid, aggregate
from dashboards.syntax.graphed_metrics import TimeSeries

KEPT_SAMPLES = 8_000_000  # most samples of all metrics together: about 130 MB

type _Key = tuple[str, tuple[tuple[str, str], ...], str]
"""Namespace, dimensions (sorted by name) and name of a metric."""

_NUMBERS = frozenset({int, float})
_LARGEST = sys.float_info.max
_LATEST = 1 << 53  # largest time in milliseconds: up to here, a double is exact


class Samples:
    """The samples of one metric. They can be added in any order."""

    def __init__(self) -> None:
        self._columns: Floats = np.empty((2, 0))
        self._new: list[float] = []

    def __len__(self) -> int:
        return len(self._columns[0]) + len(self._new) // 2

    def on_grid(self, grid: Grid, statistic: str) -> Floats:
        """Return a statistic for each period of a grid. NaN marks a period without data."""
        return aggregate(self.columns(), grid, statistic)

    def columns(self) -> Floats:
        """Return two rows: the time (milliseconds since 1970, ascending) and the value of each sample."""
        if self._new:
            new = np.array(self._new, dtype=np.float64).reshape(-1, 2).T  # exact: times are below 2 ** 53
            columns = np.hstack((self._columns, new))
            self._columns, self._new = columns[:, np.argsort(columns[0], kind="stable")], []
        return self._columns

    def append(self, time: int, value: float) -> None:
        """Add a value at `time` (milliseconds since 1970)."""
        self._new += (time, value)

    def drop_before(self, time: float) -> None:
        """Drop samples older than `time` (milliseconds since 1970)."""
        columns = self.columns()
        self._columns = columns[:, columns[0] >= time]


class MetricStore:
    """The samples of all metrics, of which it keeps about the newest `keep_samples`. Not thread-safe."""

    def __init__(self, keep_samples: int = KEPT_SAMPLES) -> None:
        self._keep_samples = keep_samples
        self._metrics: defaultdict[_Key, Samples] = defaultdict(Samples)
        self._since_drop = 0

    def add(self, line: str | bytes) -> bool:
        """Add the metrics of a log line in the embedded metric format. Return False for other lines."""
        mark = b'"_aws"' if isinstance(line, bytes) else '"_aws"'
        if mark not in line:  # type: ignore[operator]  # both have the same type
            return False
        try:
            entry = json.loads(line)
            time = int(entry["_aws"]["Timestamp"])
            directives = [_parse_directive(directive) for directive in entry["_aws"]["CloudWatchMetrics"]]
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return False
        if not 0 <= time <= _LATEST:
            return False
        for namespace, dimension_sets, names in directives:
            values = [(name, number) for name in names for number in _parse_values(entry.get(name))]
            for dimension_names in dimension_sets:
                dimensions = tuple([(name, entry.get(name)) for name in dimension_names])
                if all(isinstance(value, str) for _, value in dimensions):
                    for name, number in values:
                        self._metrics[namespace, dimensions, name].append(time, number)
                    self._since_drop += len(values)
        if self._since_drop > self._keep_samples // 10:
            self._drop()
        return True

    def of(self, metric: TimeSeries) -> Samples | None:
        """Return the samples of a metric; None if the metric is unknown."""
        return self._metrics.get((metric.namespace, metric.dimensions, metric.name))

    def search(self, matches: Callable[[TimeSeries], bool] = lambda _: True) -> list[TimeSeries]:
        """Return the metrics that match, sorted by namespace, dimensions and name."""
        known = (TimeSeries(namespace, name, dimensions) for namespace, dimensions, name in sorted(self._metrics))
        return list(filter(matches, known))

    def span(self) -> tuple[float, float] | None:
        """Return the times of the oldest and the newest sample in seconds since 1970; None if the store is empty."""
        times = [samples.columns()[0] for samples in self._metrics.values()]
        return (min(found[0] for found in times) / 1000, max(found[-1] for found in times) / 1000) if times else None

    def __len__(self) -> int:
        """Return the number of samples of all metrics."""
        return sum(map(len, self._metrics.values()))

    def _drop(self) -> None:
        self._since_drop = 0
        if (too_many := len(self) - self._keep_samples) > 0:
            times = np.concatenate([samples.columns()[0] for samples in self._metrics.values()])
            horizon = np.partition(times, too_many)[too_many]
            for key, samples in list(self._metrics.items()):
                samples.drop_before(horizon)
                if not len(samples):
                    del self._metrics[key]


def _parse_directive(directive: Any) -> tuple[str, list[list[str]], list[str]]:
    """Return the namespace, the sets of dimension names and the metric names of an item of `CloudWatchMetrics`."""
    sets = [sorted(names) for names in directive["Dimensions"]]
    names = [metric["Name"] for metric in directive["Metrics"]]
    if not {str}.issuperset(map(type, (directive["Namespace"], *names, *chain.from_iterable(sets)))):
        raise TypeError("names must be strings")
    return directive["Namespace"], sets, names


def _parse_values(value: Any) -> list[float]:
    """Return the numbers of a metric, whose value is a number or a list."""
    values = value if isinstance(value, list) else [value]
    return [float(each) for each in values if type(each) in _NUMBERS and abs(each) <= _LARGEST]

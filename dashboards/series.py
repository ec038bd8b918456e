"""The samples of metrics, and the time series that statistics make of them.

Samples come from log lines: JSON objects in the embedded metric format of CloudWatch Logs, whose member `_aws` names
the members that are metrics, their namespace and their sets of dimensions.

In a series, NaN stands for a period without samples. Percentiles use the nearest rank: of 100 samples, p99 is the 99th
smallest, "the maximum value of the remaining 99%" in CloudWatch's definition. CloudWatch estimates percentiles from a
histogram, so its values may differ by a few percent. As in CloudWatch, percentiles and PR have no value in a period
with a negative sample.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboards.graphed_metrics import TimeSeries

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

KEPT_SAMPLES = 8_000_000
"""Most samples of all metrics together: about 130 MB."""
_LATEST = 1 << 53  # largest time in milliseconds: up to here, a double is exact
_NONE: Floats = np.empty((2, 0))


class MetricStore:
    """The samples of all metrics. It forgets the older half when it has more than `keep_samples`. Not thread-safe."""

    def __init__(self, keep_samples: int = KEPT_SAMPLES) -> None:
        self._keep_samples = keep_samples
        self._size = 0
        self._columns: dict[TimeSeries, Floats] = {}
        self._new: defaultdict[TimeSeries, list[float]] = defaultdict(list)

    def add(self, line: str | bytes) -> bool:
        """Add the metrics of a log line in the embedded metric format. Return False for other lines."""
        try:
            entry = json.loads(line)
            time = int(entry["_aws"]["Timestamp"])
            if not 0 <= time <= _LATEST:
                return False
            for directive in entry["_aws"]["CloudWatchMetrics"]:
                for names in directive["Dimensions"]:
                    dimensions = tuple([(name, entry.get(name)) for name in sorted(names)])
                    if all(type(value) is str for _, value in dimensions):
                        for metric in directive["Metrics"]:
                            series = TimeSeries(str(directive["Namespace"]), metric["Name"], dimensions)
                            self.append(series, time, entry.get(metric["Name"]))
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return False
        if self._size > self._keep_samples:
            self._forget()
        return True

    def append(self, series: TimeSeries, time: int, value: Any) -> None:
        """Add the numbers of a metric, whose value is a number or a list."""
        for each in value if isinstance(value, list) else [value]:
            if type(each) in (int, float) and isfinite(each):
                self._new[series] += (time, each)
                self._size += 1

    def columns(self, metric: TimeSeries) -> Floats:
        """Return two rows: the time (milliseconds since 1970, ascending) and the value of each sample of a metric."""
        if new := self._new.pop(metric, None):
            columns = np.hstack((self._columns.get(metric, _NONE), np.reshape(new, (-1, 2)).T))
            self._columns[metric] = columns[:, np.argsort(columns[0], kind="stable")]
        return self._columns.get(metric, _NONE)

    def search(self, matches: Callable[[TimeSeries], bool] = lambda _: True) -> list[TimeSeries]:
        """Return the metrics that match, sorted by namespace, name and dimensions."""
        return sorted(filter(matches, self._columns.keys() | self._new.keys()))

    def span(self) -> tuple[float, float] | None:
        """Return the times of the oldest and the newest sample in seconds since 1970; None if the store is empty."""
        times = [self.columns(metric)[0] for metric in self.search()]
        return (min(found[0] for found in times) / 1000, max(found[-1] for found in times) / 1000) if times else None

    def __len__(self) -> int:
        """Return the number of samples of all metrics."""
        return self._size

    def _forget(self) -> None:
        columns = {metric: self.columns(metric) for metric in self.search()}
        horizon = np.median(np.concatenate([times for times, _ in columns.values()]))
        newer = {metric: each[:, each[0] >= horizon] for metric, each in columns.items()}
        self._columns = {metric: each for metric, each in newer.items() if each.size}
        self._size = sum(len(times) for times, _ in self._columns.values())


@dataclass(frozen=True, slots=True)
class Grid:
    """The periods of a series. Each lasts `period` seconds; the first begins at `first`, the next `step` seconds later.

    `number` is the number of periods. Times are whole seconds since 1970, and `period` is a multiple of `step`. On a
    dashboard, `step` equals `period`. An alarm has overlapping periods that begin a minute apart. Its grid is
    `sliding`: functions whose result depends on the first point are not allowed. Samples from `until` on are ignored.
    """

    first: int
    number: int
    step: int
    period: int
    sliding: bool = False
    until: int | None = None

    @classmethod
    def covering(cls, start: float, end: float, period: int, anchor: int = 0) -> "Grid":
        """Return the periods from the period that contains `start` to the end of the time range.

        Periods are aligned to `anchor`; the default is 1970, as in CloudWatch. Samples after the minute that contains
        `end` are ignored.
        """
        first = int((start - anchor) // period) * period + anchor
        return cls(first, max(0, ceil((end - first) / period)), period, period, until=ceil(end / 60) * 60)

    @property
    def begins(self) -> Integers:
        """The start of each period, in seconds since 1970."""
        return self.first + self.step * np.arange(self.number, dtype=np.int64)


class EvaluationError(ValueError):
    """The preview cannot evaluate an expression or a label. The message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Series:
    """A time series with one value per period of its grid. `metric` is None for results of expressions."""

    values: Floats
    grid: Grid
    label: str = ""
    metric: TimeSeries | None = None

    def with_values(self, values: Floats) -> "Series":
        """Return a copy with new values. Values that are not finite become missing points."""
        return replace(self, values=np.where(np.isfinite(values), values, np.nan))


_REDUCTIONS = {"Average": np.add, "Maximum": np.maximum, "Minimum": np.minimum, "Sum": np.add}
_NUMBER = r"\d+(?:\.\d+)?"
_RANKED = re.compile(rf"p({_NUMBER})|PR\(({_NUMBER})?:({_NUMBER})?\)", re.ASCII)


def aggregate(samples: Floats, grid: Grid, statistic: str) -> Floats:
    """Return a statistic of the samples in each period of a grid. Raises `EvaluationError` for an unknown statistic.

    `samples` has two rows, as `MetricStore.columns` returns them. `statistic`: as CloudWatch spells it, such as `Sum`,
    `p99.9`, or `PR(100:300)`, the percentage of the samples above 100 and not above 300. Trimmed statistics such as
    IQM, which only AWS computes, are unknown.
    """
    times, values = samples
    begins = grid.begins
    ends = begins + grid.period if grid.until is None else np.minimum(begins + grid.period, grid.until)
    first, last = np.searchsorted(times, begins * 1000), np.searchsorted(times, ends * 1000)
    filled = last > first
    edges = np.column_stack((first[filled], last[filled]))
    counts = (last - first)[filled].astype(np.float64)
    if statistic == "SampleCount":
        found = counts
    elif reduction := _REDUCTIONS.get(statistic):
        padded = np.append(values, 0.0)  # the last period may end with the column, and reduceat rejects that index
        found = reduction.reduceat(padded, edges.ravel())[::2]  # without the results for gaps between periods
        found = found / counts if statistic == "Average" else found
    else:
        ranked = _ranked(statistic)
        periods = (values[slice(*period)] for period in edges.tolist())
        found = np.array([ranked(each) if each.min() >= 0 else np.nan for each in periods])
    result = np.full(grid.number, np.nan)
    result[filled] = found
    return result


def _ranked(statistic: str) -> Callable[[Floats], float]:
    """Return the function that computes a percentile or PR of the samples of one period."""
    match = _RANKED.fullmatch(statistic)
    percent, low, high = match.groups() if match else (None, None, None)

    def percentile(values: Floats) -> float:
        # 7% of 100 samples is 7.000000000000001, and means the 7th sample
        rank = max(ceil(len(values) * float(percent or 0) / 100 - 1e-9), 1)
        return float(np.partition(values, rank - 1)[rank - 1])

    def share(values: Floats) -> float:
        return float(100 * np.mean((values > float(low or "-inf")) & (values <= float(high or "inf"))))

    if percent and float(percent) <= 100:
        return percentile
    if (low or high) and float(low or "-inf") < float(high or "inf"):
        return share
    known = f"{', '.join(_REDUCTIONS)}, SampleCount, p0 to p100 or PR(100:300)"
    raise EvaluationError(f"unknown statistic {statistic!r}; expected {known}; names are case-sensitive")

"""The values of metric math: numbers, time series and arrays of series. Statistics make series from samples.

NaN stands for a period without samples, and for an infinite result, for instance of a division by zero. Percentiles
use the nearest rank: of 100 samples, p99 is the 99th smallest, "the maximum value of the remaining 99%" in CloudWatch's
definition. CloudWatch estimates percentiles from a histogram, so its values may differ by a few percent. As in
CloudWatch, percentiles and PR have no value in a period with a negative sample.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from dashboards.syntax.graphed_metrics import TimeSeries

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]

_MINUTE = 60
_ROUNDING = 1e-9  # subtracted from ranks: 7% of 100 samples is 7.000000000000001, and means the 7th sample


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
        number = max(0, ceil((end - first) / period))
        return cls(first, number, period, period, until=ceil(end / _MINUTE) * _MINUTE)

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


type Value = float | Series | tuple[Series, ...]


def kind(value: Value) -> str:
    """Return the type of a value as CloudWatch abbreviates it: S (number), TS (series) or TS[] (array)."""
    return "S" if isinstance(value, float) else "TS" if isinstance(value, Series) else "TS[]"


def common_grid(*series: Series) -> Grid:
    """Return the grid of the series. Raises `EvaluationError` if their grids differ."""
    grids = {each.grid for each in series}
    if len(grids) > 1:
        lengths = " and ".join(f"{period} s" for period in sorted({grid.period for grid in grids}))
        raise EvaluationError(f"combines lines with periods of {lengths}; use the same period for these lines")
    return grids.pop()


_REDUCTIONS = {"Average": np.add, "Maximum": np.maximum, "Minimum": np.minimum, "Sum": np.add}
_NUMBER = r"\d+(?:\.\d+)?"
_PERCENTILE = re.compile(rf"p({_NUMBER})", re.ASCII)
_RANGE = re.compile(rf"PR\(({_NUMBER})?:({_NUMBER})?\)", re.ASCII)


def aggregate(samples: Floats, grid: Grid, statistic: str) -> Floats:
    """Return a statistic of the samples in each period of a grid. Raises `EvaluationError` for an unknown statistic.

    `samples` has two rows: the time (milliseconds since 1970, ascending) and the value of each sample. `statistic`: as
    CloudWatch spells it, such as `Sum`, `p99.9`, or `PR(100:300)`, the percentage of the samples above 100 and not
    above 300. Trimmed statistics such as IQM, which only AWS computes, are unknown.
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
        of_all = _of_all(statistic)
        periods = (values[slice(*period)] for period in edges.tolist())
        found = np.array([of_all(each) if each.min() >= 0 else np.nan for each in periods])
    result = np.full(grid.number, np.nan)
    result[filled] = found
    return result


def _of_all(statistic: str) -> Callable[[Floats], float]:
    """Return the function that computes a percentile or PR of the samples of one period."""
    if (percentile := _PERCENTILE.fullmatch(statistic)) and (high := float(percentile[1])) <= 100:

        def nearest(values: Floats) -> float:
            rank = max(ceil(len(values) * (high / 100) - _ROUNDING), 1)
            return float(np.partition(values, rank - 1)[rank - 1])

        return nearest
    if bounds := _RANGE.fullmatch(statistic):
        low, top = float(bounds[1] or "-inf"), float(bounds[2] or "inf")
        if low < top and any(bounds.groups()):
            return lambda values: float(100 * np.mean((values > low) & (values <= top)))
    known = f"{', '.join(_REDUCTIONS)}, SampleCount, p0 to p100 or PR(100:300)"
    raise EvaluationError(f"unknown statistic {statistic!r}; expected {known}; names are case-sensitive")

"""What metric math calculates with: numbers, series, arrays of series.

A missing point is NaN; nothing else is (an infinity, or a division by zero, has no point either).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cloudwatch.preview.periods import Floats, Grid
from cloudwatch.syntax.graphed_metrics import Metric


class EvaluationError(ValueError):
    """An expression that cannot be evaluated; the message says which, why, and what to write instead."""


@dataclass(frozen=True, slots=True)
class Series:
    """One time series: a value for each period of its grid, what it is called, and what it is made of."""

    values: Floats
    grid: Grid
    label: str = ""
    metric: Metric | None = None
    stat: str | None = None

    def with_values(self, values: Floats) -> "Series":
        """The same with other values; those that are no finite numbers are no points."""
        return replace(self, values=np.where(np.isfinite(values), values, np.nan))


type Value = float | Series | tuple[Series, ...]


def kind(value: Value) -> str:
    """What a value is, in the abbreviations of `cloudwatch.syntax.metric_functions`."""
    return "S" if isinstance(value, float) else "TS" if isinstance(value, Series) else "TS[]"


def common(*series: Series) -> Grid:
    """The grid that all have. Raises `EvaluationError` if they have different ones."""
    grids = {each.grid for each in series}
    if len(grids) > 1:
        lengths = " and ".join(f"{period} s" for period in sorted({grid.period for grid in grids}))
        raise EvaluationError(f"combines periods of {lengths}; give these lines the same period")
    return grids.pop()


def along(series: Series, function: Callable[[Floats, Floats], Floats]) -> Series:
    """Apply a function of values and their times (seconds) to each run of periods that follow one another."""
    lag = series.grid.lag
    begins = series.grid.begins.astype(np.float64)
    values = np.empty_like(series.values)
    for phase in range(lag):
        values[phase::lag] = function(series.values[phase::lag], begins[phase::lag])
    return series.with_values(values)

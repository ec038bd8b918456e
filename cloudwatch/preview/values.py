"""Define the values of metric math: numbers, series and arrays of series.

NaN marks a missing point. An infinite result, for instance of a division by zero, also becomes NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cloudwatch.preview.periods import Floats, Grid
from cloudwatch.syntax.graphed_metrics import TimeSeries


class EvaluationError(ValueError):
    """The preview cannot evaluate an expression or a label. The message says why and what to write."""


@dataclass(frozen=True, slots=True)
class Series:
    """A time series with one value per period of its grid. `metric` and `stat` are None for results of expressions."""

    values: Floats
    grid: Grid
    label: str = ""
    metric: TimeSeries | None = None
    stat: str | None = None

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


def apply_in_order(series: Series, function: Callable[[Floats, Floats], Floats]) -> Series:
    """Call a function with the values and times (seconds) of each sequence of adjoining periods."""
    lag = series.grid.lag
    begins = series.grid.begins.astype(np.float64)
    values = np.empty_like(series.values)
    for phase in range(lag):
        values[phase::lag] = function(series.values[phase::lag], begins[phase::lag])
    return series.with_values(values)

"""The values of metric math: numbers, series and arrays of series.

NaN marks a missing point. An infinity or a division by zero also counts as missing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cloudwatch.preview.periods import Floats, Grid
from cloudwatch.syntax.graphed_metrics import TimeSeries


class EvaluationError(ValueError):
    """An expression that cannot be evaluated. The message names it, the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Series:
    """A time series: one value per period of its grid, a label, and the metric and statistic it comes from."""

    values: Floats
    grid: Grid
    label: str = ""
    metric: TimeSeries | None = None
    stat: str | None = None

    def with_values(self, values: Floats) -> "Series":
        """Return a copy with other values. Values that are not finite become missing points."""
        return replace(self, values=np.where(np.isfinite(values), values, np.nan))


type Value = float | Series | tuple[Series, ...]


def kind(value: Value) -> str:
    """Return the type of a value in CloudWatch's abbreviations: S, TS or TS[]."""
    return "S" if isinstance(value, float) else "TS" if isinstance(value, Series) else "TS[]"


def common_grid(*series: Series) -> Grid:
    """Return the grid that all series share. Raises `EvaluationError` if their grids differ."""
    grids = {each.grid for each in series}
    if len(grids) > 1:
        lengths = " and ".join(f"{period} s" for period in sorted({grid.period for grid in grids}))
        raise EvaluationError(f"combines periods of {lengths}; give these lines the same period")
    return grids.pop()


def apply_in_order(series: Series, function: Callable[[Floats, Floats], Floats]) -> Series:
    """Apply a function of values and times (seconds) to each run of consecutive periods."""
    lag = series.grid.lag
    begins = series.grid.begins.astype(np.float64)
    values = np.empty_like(series.values)
    for phase in range(lag):
        values[phase::lag] = function(series.values[phase::lag], begins[phase::lag])
    return series.with_values(values)

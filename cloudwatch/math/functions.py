"""Apply the operators and functions of metric math to numbers, series and arrays of series.

Missing points follow the CloudWatch user guide. If a point is missing in one operand of two series, it counts as 0. If
it is missing in both, it is missing in the result. A number combined with a missing point is a missing point. The
result of a division by zero is also a missing point. Comparisons and logical operators return 0 or 1.

`syntax/expression.py` lists the functions and their arguments. `evaluate.py` handles SEARCH and PERIOD, which refer to
other lines. In an array, SUM counts a missing point as 0, and MAX skips it. If a point is missing in all series of the
array, it is missing in the result.
"""

from collections.abc import Callable, Mapping
from math import isnan, nan
from typing import Any

import numpy as np

from cloudwatch.math.series import EvaluationError, Floats, Grid, Series, Value, common_grid, kind
from cloudwatch.syntax.expression import FUNCTIONS, TYPES, signature

_OPERATORS: Mapping[str, Callable[[Floats, Floats], object]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "AND": np.logical_and,
    "OR": np.logical_or,
}


def combine(operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right`. Raises `EvaluationError` for arrays, and for series with different periods."""
    if isinstance(left, tuple) or isinstance(right, tuple):
        what = f"{operator} combines {kind(left)} with {kind(right)}"
        raise EvaluationError(f"{what}; the preview combines only numbers and single series")
    one, other = (np.asarray(side.values if isinstance(side, Series) else side) for side in (left, right))
    if isinstance(left, Series) and isinstance(right, Series):
        common_grid(left, right)
        missing = np.isnan(one) & np.isnan(other)
        one, other = np.nan_to_num(one, nan=0.0), np.nan_to_num(other, nan=0.0)
    else:
        missing = np.isnan(one) | np.isnan(other)
    with np.errstate(all="ignore"):
        result = np.where(missing, nan, np.asarray(_OPERATORS[operator](one, other), dtype=np.float64))
    for side in (left, right):
        if isinstance(side, Series):
            return side.with_values(result)
    return float(result) if np.isfinite(result) else nan


def call_function(function: str, arguments: list[Value], grid: Grid) -> Value:
    """Return the result of a function. `grid`: of a series that follows from no other.

    Raises:
        EvaluationError: the function does not accept the type of an argument.
    """
    for place, (argument, types) in enumerate(zip(arguments, FUNCTIONS[function].split(", "), strict=False), 1):
        if kind(argument) not in types.removesuffix("?").split("|"):
            given = f"argument {place} of {function} is {TYPES[kind(argument)]}"
            raise EvaluationError(f"{given}; write {signature(function)}")
    first: Any = arguments[0]
    if function == "TIME_SERIES":
        return Series(np.full(grid.number, first), grid)
    if function in _AGGREGATIONS:
        return _aggregate_over_time(function, first) if isinstance(first, Series) else _aggregate(function, first, grid)
    if isinstance(first, tuple):
        return tuple(_FUNCTIONS[function](series, *arguments[1:]) for series in first)
    result: Value = _FUNCTIONS[function](first, *arguments[1:])
    return result


# Aggregations: a series becomes a number, an array becomes a series

_AGGREGATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "MAX": lambda rows: np.fmax.reduce(rows, axis=0),
}


def _aggregate(function: str, series: tuple[Series, ...], grid: Grid) -> Series:
    if not series:  # a search that finds nothing
        return Series(np.full(grid.number, nan), grid)
    grid = common_grid(*series)
    rows = np.stack([each.values for each in series])
    exists = ~np.isnan(rows).all(axis=0)
    values = np.full(grid.number, np.nan)
    values[exists] = _AGGREGATIONS[function](rows[:, exists])
    return Series(values, grid)


def _aggregate_over_time(function: str, series: Series) -> float:
    """Aggregate all points of a series to one number. Return NaN if the series has no points."""
    _reject_sliding(function, series)
    if np.isnan(series.values).all():
        return nan
    return float(_AGGREGATIONS[function](series.values[:, np.newaxis])[0])


def _reject_sliding(function: str, series: Series) -> None:
    if series.grid.sliding:
        reason = "its value depends on the number of points that AWS fetches; use a longer period or an array of series"
        raise EvaluationError(f"{function} of one series cannot be used in an alarm: {reason}")


# Other functions


def _running_sum(series: Series) -> Series:
    """Return the sum of the points up to each point. Missing points stay missing."""
    _reject_sliding("RUNNING_SUM", series)
    return series.with_values(np.where(np.isnan(series.values), nan, np.nancumsum(series.values)))


def _fill(series: Series, by: Series | float) -> Series:
    if isinstance(by, Series):
        common_grid(series, by)
    filling: Any = by.values if isinstance(by, Series) else by
    return series.with_values(np.where(np.isnan(series.values), filling, series.values))


def _if(condition: Series | float, yes: Series | float, no: Series | float = nan) -> Series | float:
    """Return `yes` where the condition is not 0, and `no` where it is 0.

    If a point is missing in the condition, it is missing in the result. A missing point of `no` stays missing. If the
    condition is a series, a missing point of `yes` counts as 0, as in the user guide.
    """
    if isinstance(condition, Series):
        common_grid(condition, *(value for value in (yes, no) if isinstance(value, Series)))
        then = np.nan_to_num(yes.values, nan=0.0) if isinstance(yes, Series) else yes
        otherwise = no.values if isinstance(no, Series) else no
        values = np.where(condition.values != 0, then, otherwise)
        return condition.with_values(np.where(np.isnan(condition.values), np.nan, values))
    chosen = nan if isnan(condition) else yes if condition else no
    if isinstance(chosen, float) and isnan(chosen):
        models = [value for value in (yes, no) if isinstance(value, Series)]
        return models[0].with_values(np.full_like(models[0].values, np.nan)) if models else nan
    return chosen


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {"FILL": _fill, "IF": _if, "RUNNING_SUM": _running_sum}

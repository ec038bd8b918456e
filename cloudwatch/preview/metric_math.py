"""Apply the operators and functions of metric math to numbers, series and arrays of series.

Missing points follow the CloudWatch user guide. If a point is missing in one operand of two series, it counts as 0. If
it is missing in both, it is missing in the result. A number combined with a missing point is a missing point. The
result of a division by zero is also a missing point. Comparisons and logical operators return 0 or 1.

`syntax/metric_functions.csv` lists the functions and their arguments. `evaluate.py` handles METRICS, SEARCH and PERIOD,
which refer to other lines. In an array, SUM and AVG count a missing point as 0, and the other aggregations skip it. If
a point is missing in all series of the array, it is missing in the result.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import isnan, nan
from typing import Any

import numpy as np

from cloudwatch.preview.series import EvaluationError, Floats, Grid, Series, Value, apply_in_order, common_grid, kind
from cloudwatch.syntax.expression import FUNCTIONS, TYPES

_ARITHMETIC: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
_LOGIC: dict[str, Callable[[Floats, Floats], object]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "AND": np.logical_and,
    "OR": np.logical_or,
}
_ALL = _ARITHMETIC | _LOGIC


def combine(operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right`.

    Raises:
        EvaluationError: the arrays have different lengths, arrays are compared, or the periods differ.
    """
    if operator in _LOGIC and (isinstance(left, tuple) or isinstance(right, tuple)):
        raise EvaluationError(
            f"{operator} compares {kind(left)} with {kind(right)}; compare only numbers and single series"
        )
    if isinstance(left, tuple):
        if not isinstance(right, tuple):
            return tuple(_combine_series(operator, one, right, one) for one in left)
        if len(left) != len(right):
            raise EvaluationError(
                f"{operator} combines arrays of {len(left)} and {len(right)} series; use arrays of the same length"
            )
        return tuple(_combine_series(operator, one, other, one) for one, other in zip(left, right, strict=True))
    if isinstance(right, tuple):
        return tuple(_combine_series(operator, left, one, one) for one in right)
    if isinstance(left, Series):
        return _combine_series(operator, left, right, left)
    if isinstance(right, Series):
        return _combine_series(operator, left, right, right)
    with np.errstate(all="ignore"):
        result = float(np.asarray(_ALL[operator](np.asarray(left), np.asarray(right)), dtype=np.float64))
    return result if np.isfinite(result) and np.isfinite(left + right) else float("nan")


def _combine_series(operator: str, left: Series | float, right: Series | float, named: Series) -> Series:
    """Combine two series, or a series and a number. The result gets the label of `named`, which is one of the two."""
    one, other = (np.asarray(side.values if isinstance(side, Series) else side) for side in (left, right))
    missing = np.isnan(one) | np.isnan(other)
    if isinstance(left, Series) and isinstance(right, Series):
        common_grid(left, right)
        missing = np.isnan(one) & np.isnan(other)
        one, other = np.nan_to_num(one, nan=0.0), np.nan_to_num(other, nan=0.0)
    with np.errstate(all="ignore"):
        result = np.asarray(_ALL[operator](one, other), dtype=np.float64)
    return named.with_values(np.where(missing, np.nan, result))


def call_function(function: str, arguments: list[Value | str], grid: Grid) -> Value:
    """Return the result of a function. Pass keywords such as `REPEAT` as strings. Only TIME_SERIES uses `grid`.

    Raises:
        EvaluationError: the function does not accept the type of an argument, or an array is empty.
    """
    _check_types(function, arguments)
    first: Any = arguments[0]
    if function == "TIME_SERIES":
        return Series(np.full(grid.number, first), grid)
    if function in _AGGREGATIONS:
        return _aggregate_over_time(function, first) if isinstance(first, Series) else _aggregate(function, first)
    if function in _OF_ARGUMENTS:
        return _OF_ARGUMENTS[function](*arguments)
    if isinstance(first, tuple):
        return tuple(_OF_SERIES[function](series, *arguments[1:]) for series in first)
    return _OF_SERIES[function](first, *arguments[1:])


def _check_types(function: str, arguments: list[Value | str]) -> None:
    """Check the type of each argument against metric_functions.csv. Raises `EvaluationError`."""
    for place, (argument, types) in enumerate(zip(arguments, FUNCTIONS[function].parameters, strict=False)):
        found = argument if isinstance(argument, str) else kind(argument)
        if found not in types:
            given = f"argument {place + 1} of {function} is {TYPES.get(found, found)}"
            raise EvaluationError(f"{given}; write {FUNCTIONS[function].signature}")


# Functions of one series. With an array, they return an array


def _elementwise(operation: Callable[[Floats], Floats], series: Series) -> Series:
    with np.errstate(all="ignore"):
        return series.with_values(operation(series.values))


def _skip_missing(function: Callable[[Floats, Floats], Floats], series: Series) -> Series:
    """Apply a function to the existing points and their times. Missing points stay missing."""

    def apply(values: Floats, begins: Floats) -> Floats:
        exists = ~np.isnan(values)
        result = np.full_like(values, np.nan)
        result[exists] = function(values[exists], begins[exists])
        return result

    return apply_in_order(series, apply)


def _difference(values: Floats) -> Floats:
    """Return each value minus the previous value. The first result is NaN."""
    return np.diff(values, prepend=np.nan)


def _running_sum(series: Series) -> Series:
    _reject_sliding("RUNNING_SUM", series)
    return _skip_missing(lambda values, _: np.cumsum(values), series)


def _fill(series: Series, by: Series | float | str) -> Series:
    if by == "REPEAT":
        return apply_in_order(series, _repeat)
    if by == "LINEAR":
        return apply_in_order(series, _interpolate)
    if isinstance(by, Series):
        common_grid(series, by)
    filling: Any = by.values if isinstance(by, Series) else by
    return series.with_values(np.where(np.isnan(series.values), filling, series.values))


def _repeat(values: Floats, _: Floats) -> Floats:
    """Replace each missing point with the last existing point before it."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(last < 0, np.nan, values[last])


def _interpolate(values: Floats, begins: Floats) -> Floats:
    """Replace each missing point between two existing points with a point on the line between them."""
    exists = ~np.isnan(values)
    if not exists.any():
        return values
    return np.interp(begins, begins[exists], values[exists], left=np.nan, right=np.nan)


def _time_part(part: Callable[[datetime], float], series: Series) -> Series:
    """Return one part of the UTC time at which each period begins, such as the hour."""
    times = (datetime.fromtimestamp(begin, UTC) for begin in series.grid.begins.tolist())
    return replace(series, values=np.array([float(part(time)) for time in times]))


_OF_SERIES: Mapping[str, Callable[..., Series]] = {
    "ABS": partial(_elementwise, np.abs),
    "CEIL": partial(_elementwise, np.ceil),
    "FLOOR": partial(_elementwise, np.floor),
    "LOG": partial(_elementwise, np.log),
    "LOG10": partial(_elementwise, np.log10),
    "DIFF": partial(_skip_missing, lambda values, _: _difference(values)),
    "DIFF_TIME": partial(_skip_missing, lambda _, begins: _difference(begins)),
    "RATE": partial(_skip_missing, lambda values, begins: _difference(values) / _difference(begins)),
    "RUNNING_SUM": _running_sum,
    "FILL": _fill,
    "MINUTE": partial(_time_part, lambda time: time.minute),
    "HOUR": partial(_time_part, lambda time: time.hour),
    "DAY": partial(_time_part, datetime.isoweekday),  # Monday is 1
    "DATE": partial(_time_part, lambda time: time.day),
    "MONTH": partial(_time_part, lambda time: time.month),
    "YEAR": partial(_time_part, lambda time: time.year),
    "EPOCH": partial(_time_part, datetime.timestamp),
}


# Aggregations: a series becomes a number, an array becomes a series

_AGGREGATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "AVG": lambda rows: np.nansum(rows, axis=0) / len(rows),
    "MIN": lambda rows: np.fmin.reduce(rows, axis=0),
    "MAX": lambda rows: np.fmax.reduce(rows, axis=0),
    "STDDEV": lambda rows: np.nanstd(rows, axis=0),
    "DATAPOINT_COUNT": lambda rows: np.sum(~np.isnan(rows), axis=0, dtype=np.float64),
}


def _aggregate(function: str, series: tuple[Series, ...]) -> Series:
    if not series:
        raise EvaluationError(f"{function} got an empty array; it needs at least one series")
    grid = common_grid(*series)
    rows = np.stack([each.values for each in series])
    exists = ~np.isnan(rows).all(axis=0)
    values = np.full(grid.number, 0.0 if function == "DATAPOINT_COUNT" else np.nan)
    values[exists] = _AGGREGATIONS[function](rows[:, exists])
    return Series(values, grid)


def _aggregate_over_time(function: str, series: Series) -> float:
    """Aggregate all points of a series to one number. Return NaN if the series has no points."""
    _reject_sliding(function, series)
    if np.isnan(series.values).all() and function != "DATAPOINT_COUNT":
        return float("nan")
    return float(_AGGREGATIONS[function](series.values[:, np.newaxis])[0])


def _reject_sliding(function: str, series: Series) -> None:
    if series.grid.sliding:
        reason = "its value depends on the number of points that AWS fetches; use a longer period or an array of series"
        raise EvaluationError(f"{function} of one series cannot be used in an alarm: {reason}")


# Other functions


def _pick(series: tuple[Series, ...], index: int) -> Series:
    if not series:
        raise EvaluationError("FIRST or LAST got an empty array; the array needs at least one series")
    return series[index]


def _slice(series: tuple[Series, ...], start: float, end: float | None = None) -> tuple[Series, ...]:
    return series[int(start) : None if end is None else int(end)]


def _sort(series: tuple[Series, ...], by: str, order: str, limit: float | None = None) -> tuple[Series, ...]:
    sign = -1 if order == "DESC" else 1

    def key(each: Series) -> tuple[bool, float]:
        value = _aggregate_over_time(by, each)
        return isnan(value), sign * value  # series without data come last

    return _slice(tuple(sorted(series, key=key)), 0, limit)


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


_OF_ARGUMENTS: Mapping[str, Callable[..., Value]] = {
    "FIRST": lambda series: _pick(series, 0),
    "LAST": lambda series: _pick(series, -1),
    "METRIC_COUNT": lambda series: float(len(series)),
    "REMOVE_EMPTY": lambda series: tuple(each for each in series if not np.isnan(each.values).all()),
    "SLICE": _slice,
    "SORT": _sort,
    "IF": _if,
}

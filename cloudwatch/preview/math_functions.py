"""The functions of metric math that the preview evaluates, over numbers, series and arrays of series.

`syntax/metric_functions.py` lists them with their arguments. `evaluate.py` handles METRICS, SEARCH and PERIOD, which
refer to other lines. Over an array, SUM and AVG count a missing point as 0 and the other aggregations skip it. The
result has no point where no series of the array has one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from cloudwatch.preview.periods import Floats, Grid
from cloudwatch.preview.values import EvaluationError, Series, Value, apply_in_order, common_grid, kind


def call_function(function: str, arguments: list[Value | str], grid: Grid) -> Value:
    """Return the result of a function. Keywords such as `REPEAT` come as text. TIME_SERIES makes a series on `grid`.

    Raises:
        EvaluationError: the function does not take an argument of this kind.
    """
    first = arguments[0]
    if function == "IF":
        return _if(*map(_single, arguments))
    if function == "TIME_SERIES":
        return Series(np.full(grid.number, _number(function, first)), grid)
    if function == "METRIC_COUNT":
        return float(len(_array(function, first)))
    if function == "FILL":
        return _map(lambda series: _fill(series, arguments[1]), function, first)
    if function == "RUNNING_SUM":
        return _map(_running_sum, function, first)
    if function in _ELEMENTWISE:
        return _map(lambda series: _elementwise(_ELEMENTWISE[function], series), function, first)
    if function in _SEQUENTIAL:
        return _map(lambda series: _skip_missing(_SEQUENTIAL[function], series), function, first)
    if function in _AGGREGATIONS:
        return _aggregate(function, first)
    if function in _TIMES:
        return _time_part(function, first)
    return _ARRAYS[function](_array(function, first), arguments[1:])


# Functions of one series, applied to each series of an array


def _difference(values: Floats) -> Floats:
    """Return each value minus the one before it. The first has none."""
    return np.diff(values, prepend=np.nan)


_ELEMENTWISE: Mapping[str, Callable[[Floats], Floats]] = {
    "ABS": np.abs,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "LOG": np.log,
    "LOG10": np.log10,
}
_SEQUENTIAL: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "DIFF": lambda values, _: _difference(values),
    "DIFF_TIME": lambda _, begins: _difference(begins),
    "RATE": lambda values, begins: _difference(values) / _difference(begins),
}


def _map(operation: Callable[[Series], Series], function: str, value: Value | str) -> Value:
    match value:
        case Series():
            return operation(value)
        case tuple():
            return tuple(operation(series) for series in value)
        case _:
            raise _wrong_argument(function, value, "a series or an array of series")


def _elementwise(operation: Callable[[Floats], Floats], series: Series) -> Series:
    with np.errstate(all="ignore"):
        return series.with_values(operation(series.values))


def _skip_missing(function: Callable[[Floats, Floats], Floats], series: Series) -> Series:
    """Apply a function to the points that exist and their times. Missing points stay missing."""

    def apply(values: Floats, begins: Floats) -> Floats:
        exists = ~np.isnan(values)
        result = np.full_like(values, np.nan)
        result[exists] = function(values[exists], begins[exists])
        return result

    return apply_in_order(series, apply)


def _running_sum(series: Series) -> Series:
    _reject_sliding("RUNNING_SUM", series)
    return _skip_missing(lambda values, _: np.cumsum(values), series)


def _fill(series: Series, by: Value | str) -> Series:
    match by:
        case "REPEAT":
            return apply_in_order(series, _repeat)
        case "LINEAR":
            return apply_in_order(series, _interpolate)
        case Series():
            common_grid(series, by)
            return series.with_values(np.where(np.isnan(series.values), by.values, series.values))
        case float():
            return series.with_values(np.where(np.isnan(series.values), by, series.values))
        case _:
            raise _wrong_argument("FILL", by, "a number, a series, REPEAT or LINEAR to fill with")


def _repeat(values: Floats, _: Floats) -> Floats:
    """Replace each missing point by the last point before it."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(last < 0, np.nan, values[last])


def _interpolate(values: Floats, begins: Floats) -> Floats:
    """Replace missing points between two others by a straight line."""
    exists = ~np.isnan(values)
    if not exists.any():
        return values
    return np.interp(begins, begins[exists], values[exists], left=np.nan, right=np.nan)


# Aggregations: a series becomes a number, an array becomes a series

_AGGREGATIONS: Mapping[str, Callable[[Floats], Floats]] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "AVG": lambda rows: np.nansum(rows, axis=0) / len(rows),
    "MIN": lambda rows: np.fmin.reduce(rows, axis=0),
    "MAX": lambda rows: np.fmax.reduce(rows, axis=0),
    "STDDEV": lambda rows: np.nanstd(rows, axis=0),
    "DATAPOINT_COUNT": lambda rows: np.sum(~np.isnan(rows), axis=0, dtype=np.float64),
}


def _aggregate(function: str, value: Value | str) -> Value:
    if isinstance(value, Series):
        return _aggregate_over_time(function, value)
    series = _array(function, value)
    if not series:
        raise EvaluationError(f"{function} has no series: the array is empty")
    grid = common_grid(*series)
    rows = np.stack([each.values for each in series])
    exists = ~np.isnan(rows).all(axis=0)
    values = np.full(grid.number, 0.0 if function == "DATAPOINT_COUNT" else np.nan)
    values[exists] = _AGGREGATIONS[function](rows[:, exists])
    return Series(values, grid)


def _aggregate_over_time(function: str, series: Series) -> float:
    """Return one number for all points of a series; NaN if it has none."""
    _reject_sliding(function, series)
    if np.isnan(series.values).all() and function != "DATAPOINT_COUNT":
        return float("nan")
    return float(_AGGREGATIONS[function](series.values[:, np.newaxis])[0])


def _reject_sliding(function: str, series: Series) -> None:
    if series.grid.sliding:
        what = f"{function} of one series depends in an alarm on how many points CloudWatch happens to fetch"
        raise EvaluationError(f"{what}; take a longer period, or an array of series")


# Functions of the time of each period, in UTC

_TIMES: Mapping[str, Callable[[datetime], float]] = {
    "MINUTE": lambda at: at.minute,
    "HOUR": lambda at: at.hour,
    "DAY": lambda at: at.isoweekday(),  # Monday is 1
    "DATE": lambda at: at.day,
    "MONTH": lambda at: at.month,
    "YEAR": lambda at: at.year,
    "EPOCH": lambda at: at.timestamp(),
}


def _time_part(function: str, value: Value | str) -> Series:
    if not isinstance(value, Series):
        raise _wrong_argument(function, value, "one series")
    times = (datetime.fromtimestamp(begin, UTC) for begin in value.grid.begins.tolist())
    return replace(value, values=np.array([float(_TIMES[function](at)) for at in times]))


# Functions of arrays


def _sort(series: tuple[Series, ...], arguments: list[Value | str]) -> tuple[Series, ...]:
    by, order, *limit = arguments
    keys = [_aggregate_over_time(str(by), each) for each in series]
    sign = -1 if order == "DESC" else 1
    places = sorted(range(len(series)), key=lambda at: (np.isnan(keys[at]), sign * keys[at]))
    return tuple(series[at] for at in places[: int(_number("SORT", limit[0])) if limit else None])


def _slice(series: tuple[Series, ...], arguments: list[Value | str]) -> tuple[Series, ...]:
    start, *end = (int(_number("SLICE", argument)) for argument in arguments)
    return series[start : end[0] if end else None]


def _pick(series: tuple[Series, ...], index: int) -> Series:
    if not series:
        raise EvaluationError("FIRST and LAST have no series: the array is empty")
    return series[index]


_ARRAYS: Mapping[str, Callable[[tuple[Series, ...], list[Value | str]], Value]] = {
    "FIRST": lambda series, _: _pick(series, 0),
    "LAST": lambda series, _: _pick(series, -1),
    "REMOVE_EMPTY": lambda series, _: tuple(each for each in series if not np.isnan(each.values).all()),
    "SLICE": _slice,
    "SORT": _sort,
}


# IF


def _if(condition: Series | float, yes: Series | float, no: Series | float | None = None) -> Series | float:
    """Return `yes` where the condition is not 0, else `no`. A point is missing where the condition or `no` has none.

    Where a condition that is a series holds, a missing point of `yes` counts as 0, as in the user guide.
    """
    if isinstance(condition, float):
        chosen = yes if condition != 0 else no
        if chosen is not None and not np.isnan(condition):
            return chosen
        model = next((value for value in (yes, no) if isinstance(value, Series)), None)
        return float("nan") if model is None else model.with_values(np.full_like(model.values, np.nan))
    common_grid(condition, *(value for value in (yes, no) if isinstance(value, Series)))
    then = np.nan_to_num(yes.values, nan=0.0) if isinstance(yes, Series) else yes
    otherwise = np.nan if no is None else no.values if isinstance(no, Series) else no
    values = np.where(condition.values != 0, then, otherwise)
    return condition.with_values(np.where(np.isnan(condition.values), np.nan, values))


# Arguments


def _number(function: str, value: Value | str) -> float:
    if not isinstance(value, float):
        raise _wrong_argument(function, value, "a number")
    return value


def _array(function: str, value: Value | str) -> tuple[Series, ...]:
    if not isinstance(value, tuple):
        raise _wrong_argument(function, value, "an array of series, such as [a, b] or METRICS()")
    return value


def _single(value: Value | str) -> Series | float:
    if not isinstance(value, Series | float):
        raise _wrong_argument("IF", value, "numbers and single series")
    return value


def _wrong_argument(function: str, value: Value | str, expected: str) -> EvaluationError:
    found = value if isinstance(value, str) else kind(value)
    return EvaluationError(f"{function} has {found} for an argument; expected {expected}")

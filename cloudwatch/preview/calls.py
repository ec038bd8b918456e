"""The functions of metric math that the preview evaluates, over numbers, series and arrays of series.

`syntax/metric_functions.py` lists them with their arguments. METRICS, SEARCH and PERIOD, which refer to the other
lines, are evaluated where those are known. Of an array, a function that folds takes missing points for 0 if it
sums or averages, and passes them over otherwise; a point is missing where no series has one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import numpy as np

from cloudwatch.preview.periods import Floats, Grid
from cloudwatch.preview.values import EvaluationError, Series, Value, along, common, kind

type _Fold = Callable[[Floats], Floats]


def call(function: str, arguments: list[Value | str], grid: Grid) -> Value:
    """A function of arguments, words among them as text; `grid` is for those that make a series of a number.

    Raises:
        EvaluationError: an argument is of a kind that the function does not take.
    """
    if function == "IF":
        return _choice(*map(_single, arguments))
    if function == "TIME_SERIES":
        return Series(np.full(grid.number, _number(function, arguments[0])), grid)
    if function == "METRIC_COUNT":
        return float(len(_array(function, arguments[0])))
    if function in _EACH:
        return _each(_EACH[function], function, arguments[0])
    if function in _FOLDS:
        return _folded(function, arguments[0])
    if function in _TIMES:
        return _times(function, arguments[0])
    if function == "FILL":
        return _each(partial(_filled, by=arguments[1]), function, arguments[0])
    return _ARRAYS[function](_array(function, arguments[0]), arguments[1:])


# Functions of each series for itself


def _elementwise(operation: Callable[[Floats], Floats]) -> Callable[[Series], Series]:
    def apply(series: Series) -> Series:
        with np.errstate(all="ignore"):
            return series.with_values(operation(series.values))

    return apply


def _present(function: Callable[[Floats, Floats], Floats]) -> Callable[[Series], Series]:
    """A function of the points that are there, and of their times; the others stay missing."""

    def apply(values: Floats, begins: Floats) -> Floats:
        there = ~np.isnan(values)
        result = np.full_like(values, np.nan)
        result[there] = function(values[there], begins[there])
        return result

    return lambda series: along(series, apply)


def _difference(values: Floats) -> Floats:
    """From the point before; the first has none."""
    return np.diff(values, prepend=np.nan)


def _running_sum(series: Series) -> Series:
    _refuse_sliding("RUNNING_SUM", series)
    return _present(lambda values, _: np.cumsum(values))(series)


_EACH: Mapping[str, Callable[[Series], Series]] = {
    "ABS": _elementwise(np.abs),
    "CEIL": _elementwise(np.ceil),
    "FLOOR": _elementwise(np.floor),
    "LOG": _elementwise(np.log),
    "LOG10": _elementwise(np.log10),
    "DIFF": _present(lambda values, _: _difference(values)),
    "DIFF_TIME": _present(lambda _, begins: _difference(begins)),
    "RATE": _present(lambda values, begins: _difference(values) / _difference(begins)),
    "RUNNING_SUM": _running_sum,
}


def _each(operation: Callable[[Series], Series], function: str, value: Value | str) -> Value:
    match value:
        case Series():
            return operation(value)
        case tuple():
            return tuple(operation(series) for series in value)
        case _:
            raise _wrong(function, value, "a series or an array of series")


def _filled(series: Series, by: Value | str) -> Series:
    match by:
        case "REPEAT":
            return along(series, _repeated)
        case "LINEAR":
            return along(series, _interpolated)
        case Series():
            common(series, by)
            return series.with_values(np.where(np.isnan(series.values), by.values, series.values))
        case float():
            return series.with_values(np.where(np.isnan(series.values), by, series.values))
        case _:
            raise _wrong("FILL", by, "a number, a series, REPEAT or LINEAR to fill with")


def _repeated(values: Floats, _: Floats) -> Floats:
    """Each missing point is the last one before it."""
    last = np.maximum.accumulate(np.where(np.isnan(values), -1, np.arange(len(values))))
    return np.where(last < 0, np.nan, values[last])


def _interpolated(values: Floats, begins: Floats) -> Floats:
    """Missing points between two others lie on the line between them."""
    there = ~np.isnan(values)
    if not there.any():
        return values
    return np.interp(begins, begins[there], values[there], left=np.nan, right=np.nan)


# Functions that fold: a series to a number, an array to a series

_FOLDS: Mapping[str, _Fold] = {
    "SUM": lambda rows: np.nansum(rows, axis=0),
    "AVG": lambda rows: np.nansum(rows, axis=0) / len(rows),
    "MIN": lambda rows: np.fmin.reduce(rows, axis=0),
    "MAX": lambda rows: np.fmax.reduce(rows, axis=0),
    "STDDEV": lambda rows: np.nanstd(rows, axis=0),
    "DATAPOINT_COUNT": lambda rows: np.sum(~np.isnan(rows), axis=0, dtype=np.float64),
}


def _folded(function: str, value: Value | str) -> Value:
    if isinstance(value, Series):
        return _over_time(function, value)
    series = _array(function, value)
    if not series:
        raise EvaluationError(f"{function} is of no series: the array is empty")
    grid = common(*series)
    rows = np.stack([each.values for each in series])
    there = ~np.isnan(rows).all(axis=0)
    values = np.full(grid.number, 0.0 if function == "DATAPOINT_COUNT" else np.nan)
    values[there] = _FOLDS[function](rows[:, there])
    return Series(values, grid)


def _refuse_sliding(function: str, series: Series) -> None:
    if series.grid.sliding:
        what = f"{function} of one series depends in an alarm on how many points CloudWatch happens to fetch"
        raise EvaluationError(f"{what}; take a longer period, or an array of series")


def _over_time(function: str, series: Series) -> float:
    """A number of all points; none if there is none."""
    _refuse_sliding(function, series)
    if np.isnan(series.values).all() and function != "DATAPOINT_COUNT":
        return float("nan")
    return float(_FOLDS[function](series.values[:, np.newaxis])[0])


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


def _times(function: str, value: Value | str) -> Series:
    if not isinstance(value, Series):
        raise _wrong(function, value, "one series")
    moments = (datetime.fromtimestamp(begin, UTC) for begin in value.grid.begins.tolist())
    return replace(value, values=np.array([float(_TIMES[function](at)) for at in moments]))


# Functions of arrays


def _sorted(series: tuple[Series, ...], arguments: list[Value | str]) -> tuple[Series, ...]:
    by, order, *limit = arguments
    keys = [_over_time(str(by), each) for each in series]
    sign = -1 if order == "DESC" else 1
    places = sorted(range(len(series)), key=lambda at: (np.isnan(keys[at]), sign * keys[at]))
    return tuple(series[at] for at in places[: int(_number("SORT", limit[0])) if limit else None])


def _sliced(series: tuple[Series, ...], arguments: list[Value | str]) -> tuple[Series, ...]:
    start, *end = (int(_number("SLICE", argument)) for argument in arguments)
    return series[start : end[0] if end else None]


def _one_of(place: int) -> Callable[[tuple[Series, ...], list[Value | str]], Series]:
    def pick(series: tuple[Series, ...], _: list[Value | str]) -> Series:
        if not series:
            raise EvaluationError("FIRST and LAST are of no series: the array is empty")
        return series[place]

    return pick


_ARRAYS: Mapping[str, Callable[[tuple[Series, ...], list[Value | str]], Value]] = {
    "FIRST": _one_of(0),
    "LAST": _one_of(-1),
    "REMOVE_EMPTY": lambda series, _: tuple(each for each in series if not np.isnan(each.values).all()),
    "SLICE": _sliced,
    "SORT": _sorted,
}


# IF


def _choice(condition: Series | float, yes: Series | float, no: Series | float | None = None) -> Series | float:
    """`yes` where the condition is not 0, `no` where it is; nothing where it has no point, or where `no` has none.

    Where the condition is a series and holds, a missing point of `yes` is 0 (so the user guide).
    """
    if isinstance(condition, float):
        chosen = yes if condition != 0 else no
        if chosen is not None and not np.isnan(condition):
            return chosen
        model = next((value for value in (yes, no) if isinstance(value, Series)), None)
        return float("nan") if model is None else model.with_values(np.full_like(model.values, np.nan))
    common(condition, *(value for value in (yes, no) if isinstance(value, Series)))
    held = np.nan_to_num(yes.values, nan=0.0) if isinstance(yes, Series) else yes
    other = np.nan if no is None else no.values if isinstance(no, Series) else no
    values = np.where(condition.values != 0, held, other)
    return condition.with_values(np.where(np.isnan(condition.values), np.nan, values))


# Arguments


def _number(function: str, value: Value | str) -> float:
    if not isinstance(value, float):
        raise _wrong(function, value, "a number")
    return value


def _array(function: str, value: Value | str) -> tuple[Series, ...]:
    if not isinstance(value, tuple):
        raise _wrong(function, value, "an array of series, such as [a, b] or METRICS()")
    return value


def _single(value: Value | str) -> Series | float:
    if not isinstance(value, Series | float):
        raise _wrong("IF", value, "numbers and single series")
    return value


def _wrong(function: str, value: Value | str, expected: str) -> EvaluationError:
    found = value if isinstance(value, str) else kind(value)
    return EvaluationError(f"{function} has {found} for an argument; expected {expected}")

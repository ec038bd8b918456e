"""Operators of metric math between numbers, series and arrays of series.

Missing points, as the user guide has it: where only one of two series has a point, the other counts as 0; where
neither has one there is none; a number changes nothing where the series has no point; division by zero drops the point.
Comparisons and logic give 0 or 1.
"""

from collections.abc import Callable

import numpy as np

from cloudwatch.preview.periods import Floats
from cloudwatch.preview.values import EvaluationError, Series, Value, common, kind

type _Operation = Callable[[Floats, Floats], Floats]


def _logical(operation: Callable[[Floats, Floats], object]) -> _Operation:
    return lambda left, right: np.asarray(operation(left, right), dtype=np.float64)


_ARITHMETIC: dict[str, _Operation] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
_LOGIC: dict[str, _Operation] = {
    "==": _logical(np.equal),
    "!=": _logical(np.not_equal),
    "<": _logical(np.less),
    "<=": _logical(np.less_equal),
    ">": _logical(np.greater),
    ">=": _logical(np.greater_equal),
    "AND": _logical(np.logical_and),
    "OR": _logical(np.logical_or),
}
_ALL = _ARITHMETIC | _LOGIC


def combine(operator: str, left: Value, right: Value) -> Value:
    """What stands left and right of an operator, combined.

    Raises:
        EvaluationError: arrays of different lengths, an array where none can stand, or different periods.
    """
    if operator in _LOGIC and (isinstance(left, tuple) or isinstance(right, tuple)):
        raise EvaluationError(
            f"{operator} compares {kind(left)} with {kind(right)}; it takes numbers and single series"
        )
    if isinstance(left, tuple):
        if not isinstance(right, tuple):
            return tuple(_series(operator, one, right, one) for one in left)
        if len(left) != len(right):
            raise EvaluationError(f"{operator} combines arrays of {len(left)} and {len(right)} series, one by one")
        return tuple(_series(operator, one, other, one) for one, other in zip(left, right, strict=True))
    if isinstance(right, tuple):
        return tuple(_series(operator, left, one, one) for one in right)
    if isinstance(left, Series):
        return _series(operator, left, right, left)
    return _series(operator, left, right, right) if isinstance(right, Series) else _number(operator, left, right)


def negative(value: Value) -> Value:
    """Unary minus."""
    match value:
        case float():
            return -value
        case Series():
            return value.with_values(-value.values)
        case _:
            return tuple(series.with_values(-series.values) for series in value)


def _number(operator: str, left: float, right: float) -> float:
    """Of two numbers; NaN where there is none."""
    with np.errstate(all="ignore"):
        result = _ALL[operator](np.asarray(left), np.asarray(right))
    return float(result) if np.isfinite(result) and np.isfinite(left + right) else float("nan")


def _series(operator: str, left: Series | float, right: Series | float, named: Series) -> Series:
    """Of two series, or of one and a number; the result is called as `named`, one of them."""
    one, other = (np.asarray(side.values if isinstance(side, Series) else side) for side in (left, right))
    missing = np.isnan(one) | np.isnan(other)
    if isinstance(left, Series) and isinstance(right, Series):
        common(left, right)
        missing = np.isnan(one) & np.isnan(other)
        one, other = np.nan_to_num(one, nan=0.0), np.nan_to_num(other, nan=0.0)
    with np.errstate(all="ignore"):
        return named.with_values(np.where(missing, np.nan, _ALL[operator](one, other)))

"""Apply the operators of metric math to numbers, series and arrays of series.

Missing points follow the CloudWatch user guide. If a point is missing in one of two series, it counts as 0. If it is
missing in both, it is missing in the result. A number combined with a missing point is a missing point. The result
of a division by zero is also a missing point. Comparisons and logical operators return 0 or 1.
"""

from collections.abc import Callable

import numpy as np

from cloudwatch.preview.periods import Floats
from cloudwatch.preview.values import EvaluationError, Series, Value, common_grid, kind

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

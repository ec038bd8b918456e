"""Parse the name of a CloudWatch statistic: `Sum`, `p99.9`, `TM(2%:98%)`, `PR(:300)`.

Source: "CloudWatch statistics definitions" in the CloudWatch user guide.
"""

import re
from dataclasses import dataclass

SIMPLE = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
_ONE = re.compile(r"(?P<kind>p|tm|tc|ts|wm)(?P<high>\d{1,3}(?:\.\d{1,10})?)")
_RANGE = re.compile(r"(?P<kind>TM|TC|TS|WM|PR)\((?P<low>\d*\.?\d*)(?P<a>%?):(?P<high>\d*\.?\d*)(?P<b>%?)\)")
_EXPECTED = (
    f"expected {', '.join(SIMPLE)}, IQM, p0 to p100, tm99 (tc, ts, wm), TM(2%:98%) (TC, TS, WM) or PR(100:300); "
    "names are case-sensitive"
)


class StatisticError(ValueError):
    """CloudWatch has no statistic of this name."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """How to aggregate the samples of a period.

    `kind` is one of SIMPLE or one of these:

    `p`               the percentile `high`
    `TM`, `TC`, `TS`  mean, count and sum of the samples between the bounds
    `WM`              mean after the samples outside the bounds are set to the nearest bound
    `PR`              percentage of the samples that are between the bounds

    The bounds are percentiles (0 to 100) if `percent` is true, otherwise values. `low` is exclusive and `high` is
    inclusive. None means that there is no bound.
    """

    kind: str
    low: float | None = None
    high: float | None = None
    percent: bool = False


def parse_statistic(name: str) -> Statistic:
    """Parse the name of a statistic. Raises `StatisticError` if CloudWatch has none of this name.

    >>> parse_statistic("p99.9")
    Statistic(kind='p', low=None, high=99.9, percent=True)
    >>> parse_statistic("TM(2%:98%)")
    Statistic(kind='TM', low=2.0, high=98.0, percent=True)
    """
    if name in SIMPLE:
        return Statistic(name)
    if name == "IQM":
        return Statistic("TM", 25.0, 75.0, percent=True)
    found = _ONE.fullmatch(name)
    if found and float(found["high"]) <= 100:
        kind = found["kind"] if found["kind"] == "p" else found["kind"].upper()
        return Statistic(kind, None, float(found["high"]), percent=True)
    found = _RANGE.fullmatch(name)
    if found is None:
        raise StatisticError(f"unknown statistic {name!r}; {_EXPECTED}")
    return _range(name, found)


def _range(name: str, found: re.Match[str]) -> Statistic:
    try:
        low, high = (float(found[bound]) if found[bound] else None for bound in ("low", "high"))
    except ValueError:  # a lone dot
        raise StatisticError(f"statistic {name!r} has a bound that is not a number; {_EXPECTED}") from None
    if low is None and high is None:
        raise StatisticError(f"statistic {name!r} has no bound; {_EXPECTED}")
    percent = [bool(found[sign]) for bound, sign in ((low, "a"), (high, "b")) if bound is not None]
    if len(set(percent)) == 2 or (found["a"] and low is None) or (found["b"] and high is None):
        raise StatisticError(
            f"statistic {name!r} mixes percentiles and values; write both bounds with %, or both without"
        )
    if percent[0] and (found["kind"] == "PR" or max(low or 0, high or 0) > 100):
        raise StatisticError(
            f"statistic {name!r} is invalid: percentiles go up to 100, and PR accepts only values without %"
        )
    if low is not None and high is not None and low >= high:
        raise StatisticError(f"statistic {name!r} is invalid: the lower bound must be below the upper bound")
    return Statistic(found["kind"], low, high, percent=percent[0])

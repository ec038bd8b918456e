"""Parse the name of a CloudWatch statistic: `Sum`, `p99.9`, `TM(2%:98%)`, `PR(:300)`.

Source: "CloudWatch statistics definitions" in the CloudWatch user guide.
"""

import re
from dataclasses import dataclass

SIMPLE = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
_NUMBER = r"\d+(?:\.\d+)?"
_ONE = re.compile(rf"(p|tm|tc|ts|wm)({_NUMBER})")
_RANGE = re.compile(rf"(?P<kind>TM|TC|TS|WM|PR)\((?P<low>{_NUMBER})?(?P<a>%?):(?P<high>{_NUMBER})?(?P<b>%?)\)")


class StatisticError(ValueError):
    """CloudWatch has no statistic of this name."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """How to aggregate the samples of a period.

    `kind` is one of SIMPLE or one of these:

    `p`        the percentile `high`
    `PR`       percentage of the samples that are above `low` and not above `high`; None means that there is no bound
    `trimmed`  a statistic of the samples between two bounds, such as IQM or TM(2%:98%), which only AWS computes
    """

    kind: str
    low: float | None = None
    high: float | None = None


def parse_statistic(name: str) -> Statistic:
    """Parse the name of a statistic. Raises `StatisticError` if CloudWatch has none of this name.

    >>> parse_statistic("p99.9")
    Statistic(kind='p', low=None, high=99.9)
    >>> parse_statistic("PR(100:300)")
    Statistic(kind='PR', low=100.0, high=300.0)
    """
    if name in SIMPLE:
        return Statistic(name)
    if name == "IQM":
        return Statistic("trimmed")
    if (one := _ONE.fullmatch(name)) and float(one[2]) <= 100:
        return Statistic("p", high=float(one[2])) if one[1] == "p" else Statistic("trimmed")
    if (found := _RANGE.fullmatch(name)) and _is_range(found):
        low, high = (float(found[bound]) if found[bound] else None for bound in ("low", "high"))
        return Statistic("PR", low, high) if found["kind"] == "PR" else Statistic("trimmed")
    raise StatisticError(
        f"unknown statistic {name!r}; expected {', '.join(SIMPLE)}, IQM, p0 to p100, tm99 (tc, ts, wm), TM(2%:98%) "
        "(TC, TS, WM) or PR(100:300); names are case-sensitive, and both bounds are percentages or neither is"
    )


def _is_range(found: re.Match[str]) -> bool:
    """Return whether at least one bound is given, in order, and both as percentages up to 100 or both as values."""
    low, high = (float(found[bound]) if found[bound] else None for bound in ("low", "high"))
    signs = {bool(found[sign]) for bound, sign in ((low, "a"), (high, "b")) if bound is not None}
    stray = (found["a"] and low is None) or (found["b"] and high is None)
    if len(signs) != 1 or stray or (low is not None and high is not None and low >= high):
        return False
    return signs == {False} or (found["kind"] != "PR" and max(low or 0.0, high or 0.0) <= 100)

"""Parse the name of a CloudWatch statistic: `Sum`, `p99.9`, `PR(:300)`.

Source: "CloudWatch statistics definitions" in the CloudWatch user guide, without trimmed ones such as IQM, which no
dashboard uses and which only AWS computes.
"""

import re
from dataclasses import dataclass

SIMPLE = ("Average", "Maximum", "Minimum", "SampleCount", "Sum")
_NUMBER = r"\d+(?:\.\d+)?"
_PERCENTILE = re.compile(rf"p({_NUMBER})")
_RANGE = re.compile(rf"PR\((?P<low>{_NUMBER})?:(?P<high>{_NUMBER})?\)")


class StatisticError(ValueError):
    """The preview knows no statistic of this name."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """How to aggregate the samples of a period.

    `kind` is one of SIMPLE; `p`, the percentile `high`; or `PR`, the percentage of the samples that are above `low` and
    not above `high`, where None means that there is no bound.
    """

    kind: str
    low: float | None = None
    high: float | None = None


def parse_statistic(name: str) -> Statistic:
    """Parse the name of a statistic. Raises `StatisticError` if there is none of this name.

    >>> parse_statistic("p99.9")
    Statistic(kind='p', low=None, high=99.9)
    >>> parse_statistic("PR(100:300)")
    Statistic(kind='PR', low=100.0, high=300.0)
    """
    if name in SIMPLE:
        return Statistic(name)
    if (percentile := _PERCENTILE.fullmatch(name)) and float(percentile[1]) <= 100:
        return Statistic("p", high=float(percentile[1]))
    if found := _RANGE.fullmatch(name):
        low, high = (float(found[bound]) if found[bound] else None for bound in ("low", "high"))
        if (low, high) != (None, None) and (low is None or high is None or low < high):
            return Statistic("PR", low, high)
    known = f"{', '.join(SIMPLE)}, p0 to p100 or PR(100:300)"
    raise StatisticError(f"unknown statistic {name!r}; expected {known}; names are case-sensitive")

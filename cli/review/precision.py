"""How often the machine was right, by taxon, from a reviewed sample. No I/O."""

from collections.abc import Iterable
from math import sqrt
from typing import NamedTuple

Z = 1.959964
"""Quantile of the normal distribution for an interval of 95 %."""


class Precision(NamedTuple):
    """Of `reviewed` photos that the machine named `taxon`, `right` are it. `low`, `high`: the 95 % interval."""

    taxon: str
    reviewed: int
    right: int
    low: float
    high: float

    @property
    def share(self) -> float:
        """Return the share of right answers."""
        return self.right / self.reviewed


def wilson(right: int, reviewed: int) -> tuple[float, float]:
    """Return Wilson's score interval of a share, 95 % (E. B. Wilson, JASA 22, 1927).

    >>> [round(each, 3) for each in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, square = right / reviewed, Z * Z
    middle = (share + square / (2 * reviewed)) / (1 + square / reviewed)
    half = Z * sqrt(share * (1 - share) / reviewed + square / (4 * reviewed**2)) / (1 + square / reviewed)
    return max(0.0, middle - half), min(1.0, middle + half)


def precision_of(reviews: Iterable[tuple[str, bool]]) -> list[Precision]:
    """Return the precision of each taxon, those with most reviews first. `reviews`: what was said, and if rightly."""
    counts: dict[str, tuple[int, int]] = {}
    for taxon, is_right in reviews:
        reviewed, right = counts.get(taxon, (0, 0))
        counts[taxon] = reviewed + 1, right + is_right
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return [Precision(taxon, reviewed, right, *wilson(right, reviewed)) for taxon, (reviewed, right) in ordered]

"""Whether a version answers worse than another on the same photos, by more than chance. Pure: no model runs here.

    verdict((grade(live, truth), grade(new, truth)) for live, new, truth in photos).is_worse

Only photos on which the two differ say anything (McNemar 1947). If neither were better, each of these would favour one
or the other like a fair coin, so their number has a binomial distribution: the exact test, without an approximation.
"""

from collections.abc import Iterable, Sequence
from math import comb
from typing import Final, NamedTuple

NOISE: Final = 0.05
"""A version is worse if chance alone would make it look as bad or worse in fewer than this share of cases."""


class Verdict(NamedTuple):
    """The comparison of two versions: on how many photos the new one is `better`, `worse` or the `same`."""

    better: int
    worse: int
    same: int

    @property
    def chance(self) -> float:
        """Return the probability that chance alone makes the new version look as bad as this or worse.

        >>> round(Verdict(better=2, worse=9, same=100).chance, 4)
        0.0327
        """
        differing = self.better + self.worse
        as_bad = sum(comb(differing, each) for each in range(self.worse, differing + 1))
        return float(as_bad / (1 << differing))

    @property
    def is_worse(self) -> bool:
        """Return whether the new version is worse by more than noise."""
        return self.worse > self.better and self.chance < NOISE


def grade(named: Sequence[str], truth: Sequence[str]) -> int:
    """Return how good an answer is: 0 for none, -1 for a wrong taxon, or how deep a right one is.

    Both are scientific names from the phylum down to the taxon; empty: no animal. An answer is right if it is the
    truth, includes it, or is within it: a photo that a person calls a deer may show a roe deer.

    >>> fox = ("Chordata", "Mammalia", "Carnivora", "Canidae", "Vulpes", "Vulpes vulpes")
    >>> [grade(named, fox) for named in (fox, fox[:4], fox[:4] + ("Canis",), ())]
    [6, 4, -1, 0]
    """
    if not truth:
        return -1 if named else 1
    shared = min(len(named), len(truth))
    return shared if tuple(named[:shared]) == tuple(truth[:shared]) else -1


def verdict(grades: Iterable[tuple[int, int]]) -> Verdict:
    """Return the comparison of two versions. `grades`: of the live and of the new one, for each photo."""
    pairs = list(grades)
    better = sum(new > live for live, new in pairs)
    worse = sum(new < live for live, new in pairs)
    return Verdict(better, worse, len(pairs) - better - worse)

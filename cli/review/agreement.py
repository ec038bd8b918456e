"""How far two reviewers agree: Cohen's kappa over the photos that both have reviewed.

Names are compared by species: breeds and subspecies count for theirs. A wider taxon agrees with the same one only, a
typed name with the same words. Of a photo with several taxa, all have to agree. Counts, sex and so on do not matter.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, groupby
from typing import NamedTuple

from cli.results import QUERIES, ResultsFile
from cli.study.taxa import lineage_of


class Agreement(NamedTuple):
    """Two reviewers, and how many photos both have reviewed and name alike. `kappa`: None if it is undefined."""

    one: str
    other: str
    photos: int
    alike: int
    kappa: float | None


class Agreements(NamedTuple):
    """The agreement of each pair of reviewers, most photos first. `disagreements`: the photos named differently."""

    pairs: list[Agreement]
    disagreements: list[int]


def kappa_of(pairs: Mapping[tuple[str, str], int]) -> float | None:
    """Return Cohen's kappa (J. Cohen, Educational and Psychological Measurement 20, 1960), or None if it is undefined.

    `pairs`: number of photos by what the two reviewers said.

    >>> round(kappa_of({("yes", "yes"): 20, ("yes", "no"): 5, ("no", "yes"): 10, ("no", "no"): 15}), 3)
    0.4
    """
    total = sum(pairs.values())
    one, other = Counter[str](), Counter[str]()
    for (first, second), number in pairs.items():
        one[first] += number
        other[second] += number
    observed = sum(number for (first, second), number in pairs.items() if first == second) / total
    by_chance = sum(number * other[name] for name, number in one.items()) / total**2
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)


def agreement(results: ResultsFile) -> Agreements:
    """Return how far the reviewers of a results file agree."""
    pairs: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    disagreements = []
    for photo, said in _said(results):
        for one, other in combinations(sorted(said), 2):
            pairs.setdefault((one, other), Counter())[said[one], said[other]] += 1
        if len(set(said.values())) > 1:
            disagreements.append(photo)
    found = [
        Agreement(*who, each.total(), sum(n for (a, b), n in each.items() if a == b), kappa_of(each))
        for who, each in pairs.items()
    ]
    return Agreements(sorted(found, key=lambda each: (-each.photos, each)), disagreements)


def _said(results: ResultsFile) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each photo that several people have reviewed, and what each calls it."""
    for photo, rows in groupby(results.rows(QUERIES["reviewed by several"]), lambda row: int(row["photo"])):
        yield (
            photo,
            {who: _label(tuple(row)[2:] for row in same) for who, same in groupby(rows, lambda row: row["reviewer"])},
        )


def _label(observations: Iterable[tuple[str, str | None, str | None]]) -> str:
    return " + ".join(sorted({_species(*each) for each in observations}))


def _species(kind: str, name: str | None, scientific_name: str | None) -> str:
    if scientific_name:
        return lineage_of(scientific_name).ranks.get("species", scientific_name)
    return name.casefold() if name else kind

"""Save what people say about photos, and compute from it how often the models are right and how far reviewers agree."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from itertools import combinations, groupby
from math import sqrt
from typing import NamedTuple

from faunalens.study.finding import Finding, Observation, Opinion, machine_of, of_taxon
from faunalens.study.results import QUERIES, ResultsFile
from faunalens.taxa.taxa import ANIMALS, ScoredTaxon, lineage_of

Z = 1.959964  # quantile of the normal distribution for an interval of 95 %
_SAVE = "insert into review values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ANSWERED = (
    "select *, max(?, coalesce((select max(drawn) from review where photo = photo.id), 0)) as drawn "
    "from photo where id = ? and answer is not null"
)
_WITHDRAW = "delete from review where photo = ? and reviewer = ?"


class Precision(NamedTuple):
    """How often the models' name `taxon` is right: in `right` of `reviewed` photos. `low`, `high`: its 95 % interval.

    For the interval, a deployment's photos within ten minutes count as one: such photos are alike.
    """

    taxon: str
    reviewed: int
    right: int
    low: float
    high: float

    @property
    def share(self) -> float:
        return self.right / self.reviewed


def wilson(right: float, reviewed: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of the share right / reviewed (E. B. Wilson, JASA 22, 1927).

    >>> [round(each, 3) for each in wilson(8, 10)]
    [0.49, 0.943]
    """
    share, square = right / reviewed, Z * Z
    middle = (share + square / (2 * reviewed)) / (1 + square / reviewed)
    half = Z * sqrt(share * (1 - share) / reviewed + square / (4 * reviewed**2)) / (1 + square / reviewed)
    return max(0.0, middle - half), min(1.0, middle + half)


def save(results: ResultsFile, photos: Iterable[int], opinion: Opinion, *, drawn: bool = False) -> None:
    """Save what a reviewer says of each of several photos, in place of the reviewer's earlier opinions on them.

    An opinion without observations says that the models are right. `drawn`: whether the photos were drawn at random;
    one that was once drawn stays so. After an error nothing is saved. Raises `KeyError` if a photo has no answer.
    """
    with results.transaction() as connection:
        for identity in photos:
            row = next(results.rows(_ANSWERED, int(drawn), identity), None)
            if row is None:
                raise KeyError(identity)
            machine = machine_of(row)
            parts = dict.fromkeys(of_taxon(part.named, part.kind) for part in machine.each)
            said = opinion.observations or tuple(parts)
            named = (machine.named.scientific_name if machine.named else machine.kind) if machine.by else ""
            connection.execute(_WITHDRAW, (identity, opinion.reviewer))
            for number, each in enumerate(said, 1):
                right = not opinion.observations or is_right(each, machine)
                values = identity, opinion.reviewer, number, *astuple(each), named, int(right), row["drawn"], opinion.at
                connection.execute(_SAVE, values)


def withdraw(results: ResultsFile, photos: Iterable[int], reviewer: str) -> None:
    with results.transaction() as connection:
        connection.executemany(_WITHDRAW, ((identity, reviewer) for identity in photos))


def is_right(said: Observation, machine: Finding) -> bool:
    """Return whether the models are right: they found the kind, and the taxon or a wider one, that a person saw.

    A taxon in the models' `perhaps` is right too. They are never right about a typed name: its taxon is unknown.
    """
    if said.kind != "animal" or machine.named is None or said.scientific_name is None:
        return said.kind == machine.kind != "animal"
    above = {ANIMALS, said.scientific_name, *lineage_of(said.scientific_name).ranks.values()}
    perhaps = {each.scientific_name for each in machine.perhaps}
    return machine.named.scientific_name in above or said.scientific_name in perhaps


def taxon_chosen(scientific_name: str, findings: Sequence[Finding]) -> ScoredTaxon:
    """Return the taxon with a scientific name. Raises `KeyError` if neither we nor the models' `findings` have it."""
    lineage = lineage_of(scientific_name)
    others = [each.named for finding in findings for each in finding.others if each.named]
    perhaps = {each.scientific_name: each for finding in findings for each in (*others, *finding.perhaps)}
    offered = {each.scientific_name: each for finding in findings for each in finding.candidates} | perhaps
    name = lineage.name or (scientific_name if lineage.ranks else offered[scientific_name].name)
    ranks = {taxon: rank for rank, taxon in lineage.ranks.items()}
    rank = ranks.get(scientific_name) or (perhaps[scientific_name].rank if scientific_name in perhaps else "species")
    return ScoredTaxon(name, scientific_name, rank, 1.0)


def precision(results: ResultsFile, *, drawn: bool) -> list[Precision]:
    """Return the models' precision by taxon, the most reviewed taxon first. `drawn`: use only photos drawn at random.

    The newest opinion on a photo decides: the models are right if the photo shows what they named. If it does not, a
    photo with a typed name is left out, since that may be another name for what the models said.
    """
    return [
        Precision(taxon, reviewed, right, *wilson(right / reviewed * occasions, occasions))
        for taxon, reviewed, right, occasions in results.rows(QUERIES["precision"], int(drawn))
    ]


class Agreement(NamedTuple):
    """How far two reviewers agree. Both reviewed `photos` photos, and named `alike` of them alike.

    `kappa`: Cohen's kappa, or None if it is undefined.
    """

    one: str
    other: str
    photos: int
    alike: int
    kappa: float | None


class Agreements(NamedTuple):
    """The agreement of each pair of reviewers, most photos first. `disagreements`: ids of photos named differently."""

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
    """Return how far the reviewers of a results file agree: Cohen's kappa over the photos that both have reviewed.

    Names are compared by species: breeds and subspecies count as their species. A wider taxon agrees only with itself,
    a typed name only with the same words. If a photo has several taxa, all must agree; counts and sexes need not.
    """
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
    """Yield the id of each photo that several people have reviewed, and what each of them calls it, by reviewer."""
    for photo, rows in groupby(results.rows(QUERIES["reviewed by several"]), lambda row: int(row["photo"])):
        said: dict[str, set[str]] = {}
        for _, reviewer, *observed in rows:
            said.setdefault(reviewer, set()).add(_species(*observed))
        yield photo, {reviewer: " + ".join(sorted(species)) for reviewer, species in said.items()}


def _species(kind: str, name: str | None, scientific_name: str | None) -> str:
    if scientific_name:
        return lineage_of(scientific_name).ranks.get("species", scientific_name)
    return name.casefold() if name else kind

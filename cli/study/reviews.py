"""Which photos to review, in which order, and what people said about them."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from math import sqrt
from typing import Any, NamedTuple

from cli.moved import COPIES
from cli.results import ResultsFile, now
from cli.study.finding import Finding, finding_of, machine_of
from cli.study.opinions import OPINIONS, Kind, Observation, Opinion, of_taxon
from cli.study.taxa import ANIMALS, ScoredTaxon, lineage_of

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
    """Return the precision of each taxon, the most reviewed first. `reviews`: taxa named, and if rightly."""
    counts: dict[str, tuple[int, int]] = {}
    for taxon, is_right in reviews:
        reviewed, right = counts.get(taxon, (0, 0))
        counts[taxon] = reviewed + 1, right + is_right
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return [Precision(taxon, reviewed, right, *wilson(right, reviewed)) for taxon, (reviewed, right) in ordered]


def save(results: ResultsFile, photos: Iterable[int], opinion: Opinion, *, drawn: bool = False) -> None:
    """Save what a reviewer says of each of several photos, in place of what the same one said before.

    An opinion without observations is that the machine is right. `drawn`: whether the photos were drawn at random. All
    of it is saved or nothing. Raises `KeyError` if a photo has no answer.
    """
    query = "select *, null as drawn from photo where id = ? and answer is not null"
    with results.transaction() as connection:
        for identity in photos:
            row = next(results.rows(query, identity), None)
            if row is None:
                raise KeyError(identity)
            machine = machine_of(row)
            said = opinion.observations or accepted(machine)
            named = machine.named.scientific_name if machine.named else machine.kind
            connection.execute(_WITHDRAW, (identity, opinion.reviewer))
            connection.executemany(
                _SAVE,
                (
                    (
                        *(identity, opinion.reviewer, number, *astuple(each), named),
                        *(int(not opinion.observations or is_right(each, machine)), int(drawn), opinion.at),
                    )
                    for number, each in enumerate(said, 1)
                ),
            )


def withdraw(results: ResultsFile, photos: Iterable[int], reviewer: str) -> None:
    """Delete what a reviewer said of photos."""
    with results.transaction() as connection:
        connection.executemany(_WITHDRAW, ((identity, reviewer) for identity in photos))


def accepted(machine: Finding) -> tuple[Observation, ...]:
    """Return what a person saw who accepts what the models found: each taxon and kind once."""
    return tuple(dict.fromkeys(of_taxon(part.named, part.kind) for part in machine.each))


def is_right(said: Observation, machine: Finding) -> bool:
    """Return whether the machine said so: the same kind, and the same taxon or a wider one that includes it.

    What it perhaps is includes the animal too. A typed name may be another one of what the machine said: it is not.
    """
    if said.kind != "animal" or machine.named is None or said.scientific_name is None:
        return said.kind == machine.kind != "animal"
    above = {ANIMALS, said.scientific_name, *lineage_of(said.scientific_name).ranks.values()}
    perhaps = {each.scientific_name for each in machine.perhaps}
    return machine.named.scientific_name in above or said.scientific_name in perhaps


def taxon_called(scientific_name: str, findings: Sequence[Finding]) -> ScoredTaxon:
    """Return a taxon that is at hand, or that the models offer for photos. Raises `KeyError` if it is neither."""
    lineage = lineage_of(scientific_name)
    perhaps = {each.scientific_name: each for finding in findings for each in finding.perhaps}
    offered = {each.scientific_name: each for finding in findings for each in finding.candidates} | perhaps
    name = lineage.name or (scientific_name if lineage.ranks else offered[scientific_name].name)
    ranks = {taxon: rank for rank, taxon in lineage.ranks.items()}
    rank = ranks.get(scientific_name) or (perhaps[scientific_name].rank if scientific_name in perhaps else "species")
    return ScoredTaxon(name, scientific_name, rank, 1.0)


_SAVE = "insert into review values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_WITHDRAW = "delete from review where photo = ? and reviewer = ?"
_ANSWERED = """
select photo.*, OPINIONS from photo where answer is not null and photo.id not in (COPIES)
""".replace("OPINIONS", OPINIONS).replace("COPIES", COPIES)
_ONE = "select photo.*, OPINIONS from photo where photo.id = ?".replace("OPINIONS", OPINIONS)


class Queue:
    """The photos without a review when it was made. `most`: number of photos, or None for all.

    `drawn`: drawn at random, else the least sure first. Only the former makes a precision that holds for all photos.
    `rarest`: those come first whose animal is on the fewest photos of their station, reviewed ones included.
    """

    def __init__(
        self, results: ResultsFile, reviewer: str, most: int | None = None, *, drawn: bool, rarest: bool = False
    ) -> None:
        self._results, self._reviewer, self._drawn = results, reviewer, drawn
        found: list[tuple[tuple[str, str], float, int]] = []
        often = Counter[tuple[str, str]]()
        for row in results.rows(_ANSWERED):
            finding, station = finding_of(row), row["deployment"] or row["path"].rpartition("/")[0]
            key = station, str(finding.named or "")
            often[key] += 1
            if not finding.is_human:
                found.append((key, finding.sureness, row["id"]))
        if drawn:
            random.shuffle(found)
        else:  # what is no animal is not rare
            found.sort(key=lambda each: (rarest and (not each[0][1], often[each[0]]), *each[1:]))
        self.ids = [identity for *_, identity in found[:most]]

    def photo(self, identity: int) -> dict[str, Any]:
        """Return what the page shows of a photo. Raises `KeyError` if there is none."""
        row = next(self._results.rows(_ONE, identity), None)
        if row is None:
            raise KeyError(identity)
        place = {name: row[name] for name in ("path", "deployment", "latitude", "longitude")}
        return {"id": identity, **place, **asdict(finding_of(row))}

    def path(self, identity: int) -> str:
        """Return the path of a photo below the study's folder. Raises `KeyError` if there is none."""
        return str(self.photo(identity)["path"])

    def accept(self, identity: int) -> None:
        """Save that the machine was right."""
        save(self._results, [identity], Opinion(self._reviewer, now()), drawn=self._drawn)

    def correct(self, identity: int, kind: Kind, scientific_name: str = "", typed: str = "") -> None:
        """Save what a person said. `typed`: what the animal was called, if it is no known taxon.

        Raises `KeyError` for a photo or a taxon that is not known.
        """
        row = next(self._results.rows(_ONE, identity), None)
        if row is None:
            raise KeyError(identity)
        if kind != "animal":
            said = Observation(kind)
        elif text := " ".join(typed.split()):
            said = Observation(kind, text)
        else:
            said = of_taxon(taxon_called(scientific_name, [machine_of(row)]), kind)
        save(self._results, [identity], Opinion(self._reviewer, now(), (said,)), drawn=self._drawn)

    def undo(self, identity: int) -> None:
        """Delete the review of a photo."""
        withdraw(self._results, [identity], self._reviewer)


_PRECISION = """
select machine, is_right, max(reviewed) from (
    select
        photo, reviewed, machine, max(is_right) as is_right,
        max(name is not null and scientific_name is null) as is_typed
    from review where drawn or not ? group by photo, reviewer
) where is_right or not is_typed group by photo
"""


def precision(results: ResultsFile, *, drawn: bool) -> list[Precision]:
    """Return the machine's precision by taxon. `drawn`: only of photos that were drawn at random.

    The newest opinion of a photo decides: the machine is right if what it named is on the photo. If it is not, an
    animal whose name was typed does not count: that may be another name of what the machine said.
    """
    return precision_of((row["machine"], bool(row["is_right"])) for row in results.rows(_PRECISION, int(drawn)))
